"""Checks of a translator's output against its source: what fails one is left out, with its reason.

They are meant to leave people's translations alone: in doubt a text passes. What they do is part of the `translate`
stage's version.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

from xtransfer.translation.detector import other_language
from xtransfer.translation.figures import lost_number
from xtransfer.translation.lengths import out_of_proportion
from xtransfer.translation.names import lost_names, tells_names
from xtransfer.translation.negations import negation_differs
from xtransfer.translation.repetition import longest_loop
from xtransfer.translation.scripts import in_another_script, num_letters, words_of

_SMALL_WORDS = 4  # that a copied text has at least: names, numbers and "ok um-hum" are the same in many languages
_LETTERS_OF_A_WORD = 3
_LETTERS_OF_A_LANGUAGE = 20  # that tell which one it is
_CERTAINTY = 0.9  # of the detector


class Reason(StrEnum):
    """Why a row is left out."""

    EMPTY_SOURCE = "a text is empty in the source"
    EMPTY = "a text could not be translated"
    COPIED = "source copied"
    SCRIPT = "wrong script"
    LANGUAGE = "wrong language"
    LENGTH = "length out of proportion"
    REPETITION = "says one thing again and again"
    NUMBER = "number lost"
    NAME = "names lost"
    NEGATION = "negation lost or made up"


def fault(
    sources: Sequence[str], outputs: Sequence[str], source: str, target: str, *, negation: bool = False
) -> Reason | None:
    """The first reason to leave out a row whose texts were translated from a language to another; None where it stays.

    `negation`: its label hangs on what is denied, as in inference.
    """
    if not all(map(_says_something, sources)):
        return Reason.EMPTY_SOURCE
    if not all(map(_says_something, outputs)):
        return Reason.EMPTY
    found = (_of_text(*pair, source, target, negation) for pair in zip(sources, outputs, strict=True))
    return next((reason for reason in found if reason is not None), None)


@lru_cache(maxsize=1 << 16)  # premises repeat
def _of_text(text: str, output: str, source: str, target: str, negation: bool) -> Reason | None:
    checks = {
        Reason.COPIED: lambda: _copied(text, output),
        Reason.SCRIPT: lambda: in_another_script(text, output, target),
        Reason.REPETITION: lambda: longest_loop(output) > 2 * longest_loop(text),
        Reason.LANGUAGE: lambda: _in_another_language(output, target),
        Reason.LENGTH: lambda: out_of_proportion(text, output, source, target),
        Reason.NUMBER: lambda: lost_number(text, output) is not None,
        Reason.NAME: lambda: tells_names(source, target) and bool(lost_names(text, output)),
        Reason.NEGATION: lambda: negation and negation_differs(text, output, source, target),
    }
    return next((reason for reason, fails in checks.items() if fails()), None)


def _says_something(text: str) -> bool:
    return bool(text.strip())


def _copied(text: str, output: str) -> bool:
    """Equal but for case, blanks and punctuation, and longer than a name."""
    words = words_of(output)
    if sum(word[0].islower() and len(word) >= _LETTERS_OF_A_WORD for word in words) < _SMALL_WORDS:
        return False
    return [word.casefold() for word in words_of(text)] == [word.casefold() for word in words]


def _in_another_language(output: str, target: str) -> bool:
    return num_letters(output) >= _LETTERS_OF_A_LANGUAGE and other_language(output, target, _CERTAINTY) is not None
