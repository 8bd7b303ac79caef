"""Exact match and F1 of an answer, as the scorers of SQuAD 1.1 and 2.0 compute them.

XTREME scores XQuAD and TyDiQA with SQuAD 1.1's in every language: English articles and ASCII punctuation are
taken out, and words are what white space divides. An item counts the best of its acceptable answers, from 0
to 1. No prediction (None) scores 0 in SQuAD 1.1; SQuAD 2.0's scorer leaves such items out of its means.
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
    """Lower case, without ASCII punctuation and English articles, single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answers: Sequence[str], prediction: str | None, language: str = "en") -> float:
    """SQuAD 1.1: 1.0 where the prediction is one of the answers, both normalised."""
    return best(answers, prediction, lambda answer, text: float(normal(answer) == normal(text)))


def f1(answers: Sequence[str], prediction: str | None, language: str = "en") -> float:
    """SQuAD 1.1: harmonic mean of the precision and recall of words, repeated words counted."""
    return best(answers, prediction, lambda answer, text: overlap(normal(answer).split(), normal(text).split()))


def exact_match_2(answers: Sequence[str], prediction: str | None, language: str = "en") -> float:
    """SQuAD 2.0: as SQuAD 1.1; without an acceptable answer the empty text is right."""
    return exact_match(_or_none(answers), prediction)


def f1_2(answers: Sequence[str], prediction: str | None, language: str = "en") -> float:
    """SQuAD 2.0: as SQuAD 1.1, but 1.0 where prediction and answer both have no words."""
    return best(_or_none(answers), prediction, _overlap_2)


def best(answers: Sequence[str], prediction: str | None, score: Callable[[str, str], float]) -> float:
    """The highest score over the acceptable answers; 0 for no prediction, DataError for no answer."""
    if not answers:
        raise DataError("an item has no acceptable answer; use squad2_f1 and squad2_exact_match where that can be")
    return 0.0 if prediction is None else max(score(answer, prediction) for answer in answers)


def overlap(gold: Sequence[str], found: Sequence[str]) -> float:
    """F1 of words; 0.0 where none is shared."""
    shared = sum((Counter(found) & Counter(gold)).values())
    if shared == 0:
        return 0.0
    precision, recall = shared / len(found), shared / len(gold)
    return (2 * precision * recall) / (precision + recall)


def mean(item: Item) -> Callable[[Sequence[Sequence[str]], Sequence[str | None], str], float]:
    """Points over all items, added up one after the other as SQuAD 1.1's and MLQA's scorers do."""

    def measure(golds: Sequence[Sequence[str]], predictions: Sequence[str | None], language: str) -> float:
        scores = [item(gold, prediction, language) for gold, prediction in zip(golds, predictions, strict=True)]
        return 100.0 * reduce(add, scores) / len(scores)

    return measure


def mean_2(item: Item) -> Callable[[Sequence[Sequence[str]], Sequence[str | None], str], float]:
    """Points over the items that have a prediction, as SQuAD 2.0's scorer has them; 0.0 where none has."""

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
