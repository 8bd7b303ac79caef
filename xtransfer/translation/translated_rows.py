"""Translated rows, rows dropped from them, and the translation of plain text fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from xtransfer.base.errors import DataError
from xtransfer.base.stage import Facts, Progress, no_progress
from xtransfer.benchmarks.spec import Row
from xtransfer.translation.engine import Engine
from xtransfer.translation.translatable import texts_in

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
class TranslatedRows:
    """One translated row for each source row, in order."""

    rows: list[Row]
    reasons: list[str | None]  # why a row must be dropped; None if it is kept
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class Dropped:
    """A row that was dropped: its source texts, and their translations in the same order."""

    id: str
    reason: str
    source: list[str]
    output: list[str]


def save_dropped(rows: Sequence[Dropped], folder: Path) -> None:
    """Writes `dropped.parquet`, also if no row was dropped."""
    table = pa.Table.from_pylist([asdict(row) for row in rows], schema=_SCHEMA)
    pq.write_table(table, folder / FILE)


def read_dropped(folder: Path) -> list[Dropped]:
    """Returns the rows of `dropped.parquet`; none if there is no such file, as for human translations."""
    if not (folder / FILE).is_file():
        return []
    return [Dropped(**row) for row in pq.read_table(folder / FILE).to_pylist()]


class TextTranslations:
    """Text → translation in one direction, for all texts passed to `translate` so far, each translated once."""

    def __init__(self, engine: Engine, source: str, target: str, progress: Progress) -> None:
        self.engine, self.source, self.target = engine, source, target
        self._progress = progress
        self._outputs: dict[str, str] = {}

    def translate(self, texts: Iterable[str]) -> None:
        new = [text for text in dict.fromkeys(texts) if text not in self._outputs]
        outputs = self.engine.translate(new, self.source, self.target, self._progress)
        self._outputs |= zip(new, outputs, strict=True)

    def __getitem__(self, text: str) -> str:
        return self._outputs[text]


def translate_texts(
    rows: Sequence[Row],
    fields: Sequence[str],
    engine: Engine,
    source: str,
    target: str,
    progress: Progress = no_progress,
) -> TranslatedRows:
    """Returns the rows with translated text fields; empty if a text is empty or was not translated."""
    outputs = iter(engine.translate([text for row in rows for text in texts_in(row, fields)], source, target, progress))
    made = [_with_texts(row, fields, [next(outputs) for _ in texts_in(row, fields)]) for row in rows]
    return TranslatedRows(made, [None] * len(made))


def check_texts(rows: Sequence[Row], fields: Sequence[str]) -> None:
    """Raises DataError for a field that contains anything but texts."""
    for row in rows:
        for name in fields:
            texts = row[name] if isinstance(row[name], list) else [row[name]]
            if wrong := [text for text in texts if not isinstance(text, str)]:
                found = "nothing" if wrong[0] is None else repr(wrong[0])
                raise DataError(
                    f"row {row['id']}: field '{name}' holds {found} instead of text, so it cannot be translated; "
                    "remove the row or give it a text"
                )


def _with_texts(row: Row, fields: Sequence[str], texts: list[str]) -> Row:
    replaced: Row = {}
    left = iter(texts)
    for name in fields:
        replaced[name] = [next(left) for _ in row[name]] if isinstance(row[name], list) else next(left)
    return {**row, **replaced}
