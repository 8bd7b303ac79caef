"""Markdown for Prefect's pages: texts under each other, since their tables cut what is long."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any


def plain(text: str) -> str:
    """Text in which Markdown and HTML find nothing to do."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>#|~&!" else sign for sign in text)


def listed(rows: Sequence[Mapping[str, Any]], heading: Sequence[str], texts: Sequence[str]) -> str:
    """Neighbouring rows that agree in the columns `heading` below one; of each its `texts`, one becoming the other."""
    lines: list[str] = []
    for names, group in itertools.groupby(rows, lambda row: tuple(str(row[name]) for name in heading)):
        lines.append(f"### {plain(' · '.join(names))}")
        lines += ["- " + "  \n  → ".join(plain(_one_line(row[name])) for name in texts if row[name]) for row in group]
    return "\n\n".join(lines)


def _one_line(text: str) -> str:
    return " ".join(text.split())
