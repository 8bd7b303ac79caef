"""Gold values and predictions in words, for people who read samples.

Any: values have the form of `Prediction.value`, which differs by kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xtransfer.benchmarks.spec import Benchmark, Row


def in_words(benchmark: Benchmark, row: Row, value: Any, rows: Mapping[str, Row]) -> str:
    """Returns a number with two digits, the name of a label id (else its number), a text, or texts joined by bars."""
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, int):
        return benchmark.labels[value] if value < len(benchmark.labels) else str(value)
    return value if isinstance(value, str) else " | ".join(value)


def found(field: str) -> Callable[[Benchmark, Row, Any, Mapping[str, Row]], str]:
    """Returns what says ids of rows, the first of a list, as a field of the rows; ids of no row as they are."""

    def texts(benchmark: Benchmark, row: Row, value: Any, rows: Mapping[str, Row]) -> str:
        names = value[:1] if isinstance(value, list) else [value]
        return " | ".join(rows[name][field] if name in rows else name for name in names)

    return texts
