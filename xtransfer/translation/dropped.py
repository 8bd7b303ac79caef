"""Rows that a translation leaves out, kept beside the others to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

FILE = "dropped.parquet"
_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("reason", pa.string()),
        ("source", pa.list_(pa.string())),
        ("output", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True)
class Dropped:
    """A row that was left out: its texts, and what a translator made of them, in the same order."""

    id: str
    reason: str
    source: list[str]
    output: list[str]


def save_dropped(rows: Sequence[Dropped], folder: Path) -> None:
    """Write `dropped.parquet`, without rows where nothing was left out."""
    table = pa.Table.from_pylist([asdict(row) for row in rows], schema=_SCHEMA)
    pq.write_table(table, folder / FILE)


def read_dropped(folder: Path) -> list[Dropped]:
    """The rows of `dropped.parquet`; none where a folder has no such file, as one of people's translations."""
    if not (folder / FILE).is_file():
        return []
    return [Dropped(**row) for row in pq.read_table(folder / FILE).to_pylist()]
