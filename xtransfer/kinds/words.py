"""Gold values and predictions in words, for people who read samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from xtransfer.benchmarks.spec import Benchmark, Row

# A gold value or a prediction: label id, option index, list of tags, text, ids of rows. Any: each kind has its own form
Value: TypeAlias = Any
# (benchmark, row, value, the language's rows by id) → the value in words
Words: TypeAlias = Callable[[Benchmark, Row, Value, Mapping[str, Row]], str]


def in_words(benchmark: Benchmark, row: Row, value: Value, rows: Mapping[str, Row]) -> str:
    """Returns a number with two digits, a label id's name (its number if it has none), a text, or texts with bars."""
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, int):
        return benchmark.labels[value] if value < len(benchmark.labels) else str(value)
    return value if isinstance(value, str) else " | ".join(value)


def found(field: str) -> Words:
    """Returns what says ids of rows, the first of a list, as a field of the rows; ids of no row as they are."""

    def texts(benchmark: Benchmark, row: Row, value: Value, rows: Mapping[str, Row]) -> str:
        names = value[:1] if isinstance(value, list) else [value]
        return " | ".join(rows[name][field] if name in rows else name for name in names)

    return texts
