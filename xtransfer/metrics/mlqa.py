"""Exact match and F1 of an answer, as in MLQA's scorer, with rules for the language of the answer.

Follows facebookresearch/MLQA's mlqa_evaluation_v1.py (XTREME has a copy): it removes Unicode and ASCII punctuation,
then the language's articles; each Chinese character is a word. There are rules only for MLQA's seven languages. In
Arabic, the scorer removes "ال" everywhere, not only as a prefix.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence
from functools import cache

from xtransfer.base.errors import RequestError
from xtransfer.metrics.squad import best, overlap

_ARTICLES = {
    "en": re.compile(r"\b(?:a|an|the)\b"),
    "es": re.compile(r"\b(?:un|una|unos|unas|el|la|los|las)\b"),
    "vi": re.compile(r"\b(?:của|là|cái|chiếc|những)\b"),
    "de": re.compile(r"\b(?:ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "ar": re.compile("ال"),
    "hi": None,
    "zh": None,
}
LANGUAGES = tuple(sorted(_ARTICLES))
_CHINESE = re.compile("([\u4e00-\u9fa5])")


def exact_match(answers: Sequence[str], prediction: str | None, language: str) -> float:
    """Returns 1.0 if the normalised prediction is one of the normalised answers, else 0.0; 0.0 without a prediction.

    Raises RequestError for a language that MLQA does not have.
    """
    return best(answers, prediction, lambda answer, text: float(normal(answer, language) == normal(text, language)))


def f1(answers: Sequence[str], prediction: str | None, language: str) -> float:
    """Returns the word F1 of the best answer, counting repeated words; otherwise like `exact_match`."""
    return best(
        answers,
        prediction,
        lambda answer, text: overlap(normal(answer, language).split(), normal(text, language).split()),
    )


def normal(text: str, language: str) -> str:
    """Returns the text in lower case, without punctuation and articles, words separated by single spaces."""
    if language not in _ARTICLES:
        raise RequestError(f"MLQA's scorer has no rules for language '{language}', only {', '.join(LANGUAGES)}")
    text = "".join(character for character in text.lower() if not _is_punctuation(character))
    articles = _ARTICLES[language]
    if articles is not None:
        text = articles.sub(" ", text)
    if language == "zh":
        text = _CHINESE.sub(r" \1 ", text)
    return " ".join(text.split())


@cache
def _is_punctuation(character: str) -> bool:
    return character in string.punctuation or unicodedata.category(character).startswith("P")
