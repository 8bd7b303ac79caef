"""Test rows as a translator says them in English."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xtransfer.benchmarks.spec import Row
from xtransfer.data.load import read_rows


def as_translated(rows: Sequence[Row], file: Path | None) -> list[Row]:
    """The rows as they are in `file`, by their ids; one that is not there, since its translation failed a check, is
    as it was written: every row is scored, whatever the translator made of it."""
    if file is None:
        return list(rows)
    translated = {row["id"]: row for row in read_rows(file)}
    return [translated.get(row["id"], row) for row in rows]
