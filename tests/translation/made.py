"""Rows that an engine translates, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xtransfer.benchmarks.spec import Row
from xtransfer.translation.benchmark import translate_rows
from xtransfer.translation.engine import Engine


def made(
    rows: Sequence[Row],
    kind_name: str,
    engine: Engine,
    language: str,
    references: Sequence[Row] | None = None,
    labels: Sequence[str] = (),
) -> tuple[list[Row], dict[str, Any]]:
    """The rows that stay, and the facts."""
    translated = translate_rows(rows, kind_name, engine, language, labels=labels)
    return translated.kept, translated.facts(references)
