"""Rows whose texts are translated each by itself, and put back where they stood."""

from __future__ import annotations

from collections.abc import Sequence

from xtransfer.base.errors import DataError
from xtransfer.base.stage import Progress, silent
from xtransfer.benchmarks.spec import Row
from xtransfer.translation.engine import Engine
from xtransfer.translation.put import Put
from xtransfer.translation.translatable import texts_in


def put_texts(
    rows: Sequence[Row], fields: Sequence[str], engine: Engine, source: str, target: str, progress: Progress = silent
) -> Put:
    """The rows with their fields in the target language; empty where a text is, or could not be translated."""
    outputs = iter(engine.translate([text for row in rows for text in texts_in(row, fields)], source, target, progress))
    made = [_with_texts(row, fields, [next(outputs) for _ in texts_in(row, fields)]) for row in rows]
    return Put(made, [None] * len(made))


def check_texts(rows: Sequence[Row], fields: Sequence[str]) -> None:
    """Raises DataError for a field that holds something else than text."""
    for row in rows:
        for field in fields:
            texts = row[field] if isinstance(row[field], list) else [row[field]]
            if wrong := [text for text in texts if not isinstance(text, str)]:
                raise DataError(
                    f"row {row['id']}: field '{field}' holds {wrong[0]!r}, which is no text and cannot be translated; "
                    "leave the row out or give it a text"
                )


def _with_texts(row: Row, fields: Sequence[str], texts: list[str]) -> Row:
    replaced: Row = {}
    left = iter(texts)
    for field in fields:
        replaced[field] = [next(left) for _ in row[field]] if isinstance(row[field], list) else next(left)
    return {**row, **replaced}
