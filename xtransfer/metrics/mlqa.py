"""Exact match and F1 of an answer, as MLQA's scorer computes them: by the language of the answer.

After facebookresearch/MLQA's mlqa_evaluation_v1.py (XTREME has a copy): punctuation of Unicode and ASCII is
taken out, then the articles of the language; Chinese characters are words of their own. Only the seven
languages of MLQA have rules. In Arabic the scorer takes out "ال" wherever it stands, not as a prefix alone.
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
_CHINESE = re.compile("([\u4e00-\u9fa5])")


def exact_match(answers: Sequence[str], prediction: str | None, language: str) -> float:
    """1.0 where the prediction is one of the answers, both normalised; 0 for no prediction.

    Raises RequestError for a language that MLQA has not.
    """
    return best(answers, prediction, lambda answer, text: float(normal(answer, language) == normal(text, language)))


def f1(answers: Sequence[str], prediction: str | None, language: str) -> float:
    """Harmonic mean of the precision and recall of words, repeated words counted; as `exact_match` otherwise."""
    return best(
        answers,
        prediction,
        lambda answer, text: overlap(normal(answer, language).split(), normal(text, language).split()),
    )


def normal(text: str, language: str) -> str:
    """Lower case, without punctuation and articles, words with single spaces between them."""
    if language not in _ARTICLES:
        raise RequestError(f"MLQA's scorer has no rules for '{language}' (it has: {', '.join(sorted(_ARTICLES))})")
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
