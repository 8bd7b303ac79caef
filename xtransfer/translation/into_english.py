"""Which kinds of test rows can be scored on their translation to English, as translate-test does."""

from __future__ import annotations

_SCORED = ("pair", "choice", "sts", "dual-pair")  # the answer is a label, an option or a number: the same in English
_WHY_NOT = {
    "span": "an answer found in the translated text is English, and the answers that it would be compared with are not",
    "tags": "tags are for the words of the language, and the translation has others",
}


def why_not(kind_name: str) -> str:
    """Why rows of a kind cannot be; empty where they can."""
    if kind_name in _SCORED:
        return ""
    return _WHY_NOT.get(kind_name, f"rows of kind {kind_name} are compared across languages, or have no answers")
