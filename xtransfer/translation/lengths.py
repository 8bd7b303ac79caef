"""Lengths that a translation cannot have: with a part left out, or with much made up."""

from __future__ import annotations

from collections.abc import Mapping

from xtransfer.base.languages import language

# Characters of people's translations per character of English: XNLI and PAWS-X (dev), XCOPA (dev), Multi30k. All other
# scripts: 0.84 (Arabic, Czech) to 1.33 (Tamil).
_PER_ENGLISH: Mapping[str, float] = {"Han": 0.34, "Japanese": 0.51, "Hangul": 0.58, "Thai": 0.85}
_OTHERS = 1.05
_SHORT = 10  # English characters that are added to both, so that a word more or less in a short text counts little
_SHORTEST, _LONGEST = 0.4, 2.5  # of 1,000 people's translations, fewer than one is further off in most languages


def out_of_proportion(source: str, output: str, source_language: str, target_language: str) -> bool:
    """Whether a translation is far shorter or longer than its source lets expect."""
    per_source, per_target = _per_english(source_language), _per_english(target_language)
    proportion = (len(output) / per_target + _SHORT) / (len(source) / per_source + _SHORT)
    return not _SHORTEST <= proportion <= _LONGEST


def _per_english(code: str) -> float:
    return _PER_ENGLISH.get(language(code).script, _OTHERS)
