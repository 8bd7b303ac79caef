"""Reads a page of a report."""

from __future__ import annotations

import re
from pathlib import Path

_MARKS = re.compile(r'<wbr>|<span class="name">([^<]*)</span>')


def plain(page: str) -> str:
    """A page without what keeps its names whole."""
    return _MARKS.sub(r"\1", page)


def read(page: Path) -> str:
    """The page in a file, without what keeps its names whole."""
    return plain(page.read_text(encoding="utf-8"))
