"""Formats durations, counts and lists for running text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def duration(seconds: float) -> str:
    """Returns `42 s`, `3 min 20 s`, `2 h 5 min` or `4 days 3 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 72 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400:,} days {whole % 86400 // 3600} h"


def amount(size: float) -> str:
    """Returns `12 kB`, `3.4 MB` or `580 GB`, of bytes."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= 0.9995 * factor:
            value = size / factor
            return f"{value:.0f} {unit}" if value >= 9.95 else f"{value:.1f} {unit}"
    return f"{size / 1e3:.0f} kB"


def listed(words: Sequence[str]) -> str:
    """Returns `a`, `a and b` or `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def spread(numbers: Iterable[int], one: str) -> str:
    """Returns `1 run`, `2 to 5 runs`, or nothing for no numbers."""
    found = sorted(set(numbers))
    least = f"{found[0]:,} to " if len(found) > 1 else ""
    return least + counted(found[-1], one) if found else ""


def counted(number: int, one: str) -> str:
    """Returns `1 cell` or `1,200 cells`."""
    return f"{number:,} {one}" + ("" if number == 1 else "s")
