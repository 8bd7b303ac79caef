"""Checks machine translations against their sources; a row that fails a check is dropped with the reason.

Checks are tuned to pass human translations: a text is dropped only on clear evidence. If their results change, raise
the version of stage `translate`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from xtransfer.base.languages import codes, language
from xtransfer.translation.word_checks import lost_number, negation_differs

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_LETTERS = re.compile(r"[^\W\d_]+")


class Reason(StrEnum):
    """Why a row is dropped."""

    EMPTY_SOURCE = "source text empty"
    EMPTY = "text not translated"
    COPIED = "source copied"
    SCRIPT = "wrong script"
    LANGUAGE = "wrong language"
    LENGTH = "length out of proportion"
    REPETITION = "repeated text"
    NUMBER = "number lost"
    NAME = "names lost"
    NEGATION = "negation lost or added"


def fault(
    sources: Sequence[str], outputs: Sequence[str], source: str, target: str, *, negation: bool = False
) -> Reason | None:
    """Returns the first reason to drop a row with these texts and translations; None if it passes.

    `source` and `target` are languages. `negation`: also check that negation is kept, for tasks such as inference,
    whose label depends on it.
    """
    if not all(map(str.strip, sources)):
        return Reason.EMPTY_SOURCE
    if not all(map(str.strip, outputs)):
        return Reason.EMPTY
    found = (_of_text(*pair, source, target, negation) for pair in zip(sources, outputs, strict=True))
    return next((reason for reason in found if reason is not None), None)


@lru_cache(maxsize=1 << 16)  # premises repeat
def _of_text(text: str, output: str, source: str, target: str, negation: bool) -> Reason | None:
    checks: dict[Reason, Callable[[], bool]] = {
        Reason.COPIED: lambda: copied(text, output),
        Reason.SCRIPT: lambda: in_another_script(text, output, target),
        Reason.REPETITION: lambda: longest_loop(output) > 2 * longest_loop(text),
        Reason.LANGUAGE: lambda: other_language(output, target) is not None,
        Reason.LENGTH: lambda: out_of_proportion(text, output, source, target),
        Reason.NUMBER: lambda: lost_number(text, output, target) is not None,
        Reason.NAME: lambda: bool(lost_names(text, output, source, target)),
        Reason.NEGATION: lambda: negation and negation_differs(text, output, source, target),
    }
    return next((reason for reason, fails in checks.items() if fails()), None)


# Copies

_FEWEST_WORDS = 4  # lower-case words: names, numbers and "ok um-hum" are the same in many languages
_SHORTEST_WORD = 3  # letters


def copied(source: str, output: str) -> bool:
    """Returns whether texts of at least four lower-case words are equal except for case, blanks and punctuation."""
    words = _LETTERS.findall(output)
    if sum(word[0].islower() and len(word) >= _SHORTEST_WORD for word in words) < _FEWEST_WORDS:
        return False
    return [word.casefold() for word in _LETTERS.findall(source)] == [word.casefold() for word in words]


# Loops: a decoder that repeats itself

_LOOP = re.compile(r"(\w.{0,59}?)\1{3,}", re.DOTALL)  # four times in a row
_WINDOW, _FEWEST_REPEATED = 4, 6  # characters; minimum repeated windows in any loop, which most texts do not have
_SHORTEST_LOOP = 12  # characters; "hahahaha" and "tick tick tick" pass


def longest_loop(text: str) -> int:
    """Returns the length in characters of the longest stretch that repeats a unit at least four times, or 0."""
    repeated = len(text) - _WINDOW - len({text[start : start + _WINDOW] for start in range(len(text) - _WINDOW)})
    if repeated < _FEWEST_REPEATED:
        return 0
    loops = (found.end() - found.start() for found in _LOOP.finditer(text) if any(map(str.isalpha, found[1])))
    return max((length for length in loops if length >= _SHORTEST_LOOP), default=0)


# Lengths

# Characters of people's translations per character of English: XNLI and PAWS-X (dev), XCOPA (dev), Multi30k. All other
# scripts: 0.84 (Arabic, Czech) to 1.33 (Tamil).
_PER_ENGLISH: Mapping[str, float] = {"Han": 0.34, "Japanese": 0.51, "Hangul": 0.58, "Thai": 0.85}
_OTHERS = 1.05
_SMOOTHING = 10  # English characters added to both, so that one word matters little in a short text
_SHORTEST, _LONGEST = 0.4, 2.5  # fewer than 1 in 1,000 human translations are outside, in most languages


def out_of_proportion(source: str, output: str, source_language: str, target_language: str) -> bool:
    """Returns whether a translation is less than 0.4 or more than 2.5 times as long as its source suggests."""
    per_source, per_target = _per_english(source_language), _per_english(target_language)
    proportion = (len(output) / per_target + _SMOOTHING) / (len(source) / per_source + _SMOOTHING)
    return not _SHORTEST <= proportion <= _LONGEST


def _per_english(code: str) -> float:
    return _PER_ENGLISH.get(language(code).script, _OTHERS)


# Scripts

_CHARACTERS: Mapping[str, str] = {
    "Arabic": "\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff",
    "Armenian": "\u0530-\u058f\ufb13-\ufb17",
    "Bengali": "\u0980-\u09ff",
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
    "Kannada": "\u0c80-\u0cff",
    "Khmer": "\u1780-\u17ff",
    "Lao": "\u0e80-\u0eff",
    "Latin": "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u1e00-\u1eff",
    "Malayalam": "\u0d00-\u0d7f",
    "Myanmar": "\u1000-\u109f",
    "Ol Chiki": "\u1c50-\u1c7f",
    "Oriya": "\u0b00-\u0b7f",
    "Sinhala": "\u0d80-\u0dff",
    "Tamil": "\u0b80-\u0bff",
    "Telugu": "\u0c00-\u0c7f",
    "Thai": "\u0e00-\u0e7f",
    "Tibetan": "\u0f00-\u0fff",
    "Tifinagh": "\u2d30-\u2d7f",
}  # the scripts of `languages`
_SECOND_SCRIPT = {"az": "Cyrillic", "bs": "Cyrillic", "kk": "Latin", "sr": "Latin", "tt": "Latin", "uz": "Cyrillic"}
_FEWEST_LETTERS = 10  # of another script


def in_another_script(source: str, output: str, code: str) -> bool:
    """Returns whether at least ten letters, and most of a translation, are not in its language's scripts.

    Words that the source has too do not count: names and abbreviations stay in Latin letters in many languages.
    """
    own, foreign = _letters_of(code)
    kept = set(_LETTERS.findall(source))
    letters = sum(len(word) for word in foreign.findall(output) if word not in kept)
    return letters >= _FEWEST_LETTERS and letters > len(own.findall(output))


@cache
def _letters_of(code: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Returns patterns of one letter of a language's scripts, and of a run of other letters.

    Both match nothing for a script without a list of characters.
    """
    scripts = (language(code).script, _SECOND_SCRIPT.get(code, ""))
    if scripts[0] not in _CHARACTERS:
        return (re.compile("(?!)"),) * 2
    own = "".join(_CHARACTERS.get(script, "") for script in scripts)
    return re.compile(f"[{own}]"), re.compile(rf"(?:(?![{own}])[^\W\d_])+")


# Languages, by py3langid: naive Bayes on byte n-grams (Lui and Baldwin 2012), its model in the package

# Languages on which its guesses were measured; it takes Urdu for Pashto and Chinese for Wu
_TOLD_APART = frozenset(codes(
    "af am ar az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fr fy ga gl gu ha he hi hr ht hu hy id is it ja "
    "jv ka kk km ko la lt lv mk ml mn mr ms my ne nl no pa pl pt qu ro ru si sk sl so sq sr sv sw ta te th tl tr tt ug "
    "uk ur uz vi wo xh yi yo yue zh"
))  # fmt: skip
_CERTAINTY = 0.9
_LETTERS_FOR_A_GUESS = 20


def other_language(output: str, target: str) -> str | None:
    """Returns the language of a text if the detector is 90% sure that it is not `target`; None otherwise.

    Texts need at least 20 letters. Both languages must be among those that the detector tells apart.
    """
    if target not in _TOLD_APART or sum(map(len, _LETTERS.findall(output))) < _LETTERS_FOR_A_GUESS:
        return None
    if target not in _detector().labels:
        return None
    found, probability = _detector().classify(output)
    return str(found) if probability >= _CERTAINTY and found != target and found in _TOLD_APART else None


@cache
def _detector() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # takes a second and 90 MB

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


# Names, as far as capital letters show them

_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}(?: (?:of |the )*[A-Z][a-z]+)*")  # `Bank of England` is one
_CAPITAL_NOUNS = ("de",)
_ALIKE = 3  # first letters that a name shares with its translation
_FEWEST_NAMES = 2  # minimum; a single one is often a day, street or office, which many languages write in lower case


def lost_names(source: str, output: str, source_language: str, target_language: str) -> list[str]:
    """Returns the names inside a text's sentences if the output has lost them all.

    There must be at least two names, no word of the output may start like one of them, and the output may have no
    capital letter except its first. Finds none in German or in scripts other than Latin.
    """
    codes = (source_language, target_language)
    if any(language(code).script != "Latin" or code in _CAPITAL_NOUNS for code in codes):
        return []
    names = _NAME.findall(source)
    first, *others = _LETTERS.findall(output) or [""]
    if len(set(names)) < _FEWEST_NAMES or any(map(str.istitle, others)) or any(map(str.isupper, others)):
        return []
    begin = {_plain(word)[:_ALIKE] for word in (first, *others)}
    return [] if any(_plain(word)[:_ALIKE] in begin for word in " ".join(names).split()) else names


def _plain(word: str) -> str:
    """Returns a word in lower case without diacritics."""
    return "".join(one for one in unicodedata.normalize("NFD", word.casefold()) if not unicodedata.combining(one))
