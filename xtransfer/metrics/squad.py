"""Exact match and F1 of an answer, as in the scorers of SQuAD 1.1 and 2.0.

XTREME scores XQuAD and TyDiQA with SQuAD 1.1's scorer in every language: it removes English articles and ASCII
punctuation and splits words at white space. An item gets the score of its best acceptable answer, from 0 to 1. An
item without a prediction (None) scores 0 in SQuAD 1.1; SQuAD 2.0's scorer leaves it out of its means.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from functools import reduce
from operator import add

from xtransfer.base.errors import DataError

Item = Callable[[Sequence[str], str | None, str], float]  # acceptable answers, prediction, language → 0 to 1
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normal(text: str) -> str:
    """Returns the text in lower case, without ASCII punctuation and English articles, with single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answers: Sequence[str], prediction: str | None, language: str = "en") -> float:
    """SQuAD 1.1: returns 1.0 if the normalised prediction is one of the normalised answers, else 0.0."""
    return best(answers, prediction, lambda answer, text: float(normal(answer) == normal(text)))


def f1(answers: Sequence[str], prediction: str | None, language: str = "en") -> float:
    """SQuAD 1.1: returns the word F1 of the best answer, counting repeated words."""
    return best(answers, prediction, lambda answer, text: overlap(normal(answer).split(), normal(text).split()))


def exact_match_2(answers: Sequence[str], prediction: str | None, language: str = "en") -> float:
    """SQuAD 2.0: like SQuAD 1.1, but an empty prediction is correct if there is no acceptable answer."""
    return exact_match(_or_none(answers), prediction)


def f1_2(answers: Sequence[str], prediction: str | None, language: str = "en") -> float:
    """SQuAD 2.0: like SQuAD 1.1, but 1.0 if prediction and answer both have no words."""
    return best(_or_none(answers), prediction, _overlap_2)


def best(answers: Sequence[str], prediction: str | None, score: Callable[[str, str], float]) -> float:
    """Returns the highest score over the acceptable answers; 0.0 without a prediction; DataError without an answer."""
    if not answers:
        raise DataError(
            "an item has no acceptable answer; if questions may be unanswerable, use squad2_f1 and squad2_exact_match"
        )
    return 0.0 if prediction is None else max(score(answer, prediction) for answer in answers)


def overlap(gold: Sequence[str], found: Sequence[str]) -> float:
    """Returns the F1 of two lists of words; 0.0 if they share none."""
    shared = sum((Counter(found) & Counter(gold)).values())
    if shared == 0:
        return 0.0
    precision, recall = shared / len(found), shared / len(gold)
    return (2 * precision * recall) / (precision + recall)


def mean(item: Item) -> Callable[[Sequence[Sequence[str]], Sequence[str | None], str], float]:
    """Returns a function for the mean in points, summed in order as SQuAD 1.1's and MLQA's scorers do."""

    def measure(golds: Sequence[Sequence[str]], predictions: Sequence[str | None], language: str) -> float:
        scores = [item(gold, prediction, language) for gold, prediction in zip(golds, predictions, strict=True)]
        return 100.0 * reduce(add, scores) / len(scores)

    return measure


def mean_2(item: Item) -> Callable[[Sequence[Sequence[str]], Sequence[str | None], str], float]:
    """Returns a function for the mean in points over items with a prediction, as in SQuAD 2.0's scorer; 0.0 if none."""

    def measure(golds: Sequence[Sequence[str]], predictions: Sequence[str | None], language: str) -> float:
        pairs = zip(golds, predictions, strict=True)
        scores = [item(gold, prediction, language) for gold, prediction in pairs if prediction is not None]
        return 100.0 * sum(scores) / len(scores) if scores else 0.0

    return measure


def _or_none(answers: Sequence[str]) -> Sequence[str]:
    return [answer for answer in answers if normal(answer)] or [""]


def _overlap_2(answer: str, prediction: str) -> float:
    gold, found = normal(answer).split(), normal(prediction).split()
    return overlap(gold, found) if gold and found else float(gold == found)
