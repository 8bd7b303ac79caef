"""Names of a text that its translation has lost, as far as capital letters tell."""

from __future__ import annotations

import re
import unicodedata

from xtransfer.base.languages import language
from xtransfer.translation.scripts import words_of

_MID_SENTENCE = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{3,}(?: (?:of |the )*[A-Z][a-z]+)*")  # `Bank of England` is one
_NOUNS_HAVE_CAPITALS = ("de",)
_ALIKE = 3  # letters that a name begins with in both languages
_FEWEST = 2  # names; a single one is often a day, a street or an office, which many languages write small


def tells_names(source: str, target: str) -> bool:
    """Whether `lost_names` can tell: of two languages in Latin script, where only names have capitals."""
    return all(language(code).script == "Latin" and code not in _NOUNS_HAVE_CAPITALS for code in (source, target))


def lost_names(source: str, output: str) -> list[str]:
    """The names in the middle of a text's sentences, where there are at least two, nothing like any is in the output,
    and the output has no capital letter but its first; else none."""
    names = _MID_SENTENCE.findall(source)
    first, *others = words_of(output) or [""]
    if len(set(names)) < _FEWEST or any(map(str.istitle, others)) or any(map(str.isupper, others)):
        return []
    begin = {_plain(word)[:_ALIKE] for word in (first, *others)}
    return [] if any(_plain(word)[:_ALIKE] in begin for word in " ".join(names).split()) else names


def _plain(word: str) -> str:
    """In small letters without marks."""
    return "".join(one for one in unicodedata.normalize("NFD", word.casefold()) if not unicodedata.combining(one))
