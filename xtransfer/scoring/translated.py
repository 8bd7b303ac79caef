"""Replaces test rows by their English translations (translate-test)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xtransfer.benchmarks.spec import Row
from xtransfer.data.load import read_rows


def as_translated(rows: Sequence[Row], file: Path | None) -> list[Row]:
    """Returns the rows with those in `file` replacing rows of the same id.

    A row whose translation failed a check is not in `file` and stays in its own language, so every row is scored.
    """
    if file is None:
        return list(rows)
    translated = {row["id"]: row for row in read_rows(file)}
    return [translated.get(row["id"], row) for row in rows]
