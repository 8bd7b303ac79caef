"""Loops: a model that has lost its way says the same again and again."""

from __future__ import annotations

import re

_LOOP = re.compile(r"(\w.{0,59}?)\1{3,}", re.DOTALL)  # four times in a row
_WINDOW, _REPEATED = 4, 6  # of the characters' windows as many at least come again in a loop; most texts stop there
_SHORT = 12  # characters of the whole; "hahahaha" and "tick tick tick" are none


def longest_loop(text: str) -> int:
    """Characters of the longest stretch that says one thing at least four times; 0: there is none."""
    repeated = len(text) - _WINDOW - len({text[start : start + _WINDOW] for start in range(len(text) - _WINDOW)})
    if repeated < _REPEATED:
        return 0
    loops = (found.end() - found.start() for found in _LOOP.finditer(text) if _says_something(found[1]))
    return max((length for length in loops if length >= _SHORT), default=0)


def _says_something(unit: str) -> bool:
    return any(map(str.isalpha, unit))
