"""Scripts of letters: which a text is written in, by its characters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from xtransfer.base.languages import language

# Letters of each script of `languages`; Japanese is written in three, and Latin includes its letters with marks.
_LETTERS: Mapping[str, str] = {
    "Arabic": "\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff",
    "Armenian": "\u0530-\u058f\ufb13-\ufb17",
    "Bengali": "\u0980-\u09ff",
    "Burmese": "\u1000-\u109f",
    "Cyrillic": "\u0400-\u052f",
    "Devanagari": "\u0900-\u097f",
    "Ethiopic": "\u1200-\u137f",
    "Georgian": "\u10a0-\u10ff\u1c90-\u1cbf",
    "Greek": "\u0370-\u03ff\u1f00-\u1fff",
    "Gujarati": "\u0a80-\u0aff",
    "Gurmukhi": "\u0a00-\u0a7f",
    "Han": "\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0002ffff",
    "Hangul": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "Hebrew": "\u0590-\u05ff\ufb1d-\ufb4f",
    "Japanese": "\u3005\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff",
    "Khmer": "\u1780-\u17ff",
    "Latin": "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u1e00-\u1eff",
    "Malayalam": "\u0d00-\u0d7f",
    "Sinhala": "\u0d80-\u0dff",
    "Tamil": "\u0b80-\u0bff",
    "Telugu": "\u0c00-\u0c7f",
    "Thai": "\u0e00-\u0e7f",
}
_TWO_SCRIPTS = {"az": "Cyrillic", "bs": "Cyrillic", "kk": "Latin", "sr": "Latin", "tt": "Latin", "uz": "Cyrillic"}

_WORD = re.compile(r"[^\W\d_]+")
_FEWEST = 10  # letters of another script that tell something


def words_of(text: str) -> list[str]:
    """Stretches of letters of any script."""
    return _WORD.findall(text)


def num_letters(text: str) -> int:
    """Letters of any script; signs that join others do not count."""
    return sum(map(len, words_of(text)))


def in_another_script(source: str, output: str, code: str) -> bool:
    """Whether more of a translation is in other letters than those of its language, words of the source left aside:
    names and abbreviations stay in Latin letters in many languages."""
    own, foreign = _letters_of(code)
    kept = set(words_of(source))
    letters = sum(len(word) for word in foreign.findall(output) if word not in kept)
    return letters >= _FEWEST and letters > len(own.findall(output))


@cache
def _letters_of(code: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """One letter of a language's scripts, and a stretch of other letters."""
    scripts = (language(code).script, _TWO_SCRIPTS.get(code, ""))
    own = "".join(_LETTERS.get(script, "") for script in scripts)
    return re.compile(f"[{own}]"), re.compile(rf"(?:(?![{own}])[^\W\d_])+")
