"""Names rows and groups of rows, so that parallel languages have the same names for the same items."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from xtransfer.base.errors import DataError
from xtransfer.benchmarks.spec import Benchmark

if TYPE_CHECKING:
    from xtransfer.data.canonical import Table


def row_ids(benchmark: Benchmark, table: Table) -> list[str]:
    """Returns the id of each row. Raises DataError for a row without an id, and for an id of several rows."""
    if benchmark.id is None:
        return [str(number) for number in table.numbers]
    ids = [_name(value) for value in table.columns[benchmark.id]]
    if "" in ids:
        place = f"{table.place}, row {table.numbers[ids.index('')]}, column '{benchmark.id}'"
        raise DataError(f"{place}: no id; give each row its own, or leave id out of the declaration")
    if len(set(ids)) < len(ids):
        name, count = Counter(ids).most_common(1)[0]
        raise DataError(f"{table.place}: id '{name}' is used by {count} rows; ids must be unique")
    return ids


def row_groups(benchmark: Benchmark, table: Table, ids: list[str], counted: bool) -> list[str]:
    """Returns the group of each row; a row without a value in the column of groups is a group of its own."""
    if isinstance(benchmark.group, str):
        groups = [
            _name(value) or f"alone {one}" for value, one in zip(table.columns[benchmark.group], ids, strict=True)
        ]
        if not any(benchmark.columns.get(name) == benchmark.group for name in ("first", "context")):
            return groups
        # Rows of one text are named by the first of them: parallel languages, whose texts differ, share the names
        names: dict[str, str] = {}
        return [names.setdefault(normal(text), one) for text, one in zip(groups, ids, strict=True)]
    if benchmark.group is None or not counted:
        return ids
    return [str(number // benchmark.group) for number in table.numbers]


def normal(text: str) -> str:
    """Returns a text without differences in case and spacing, for comparing texts."""
    return " ".join(text.casefold().split())


def _name(value: object) -> str:
    """Returns a value as a name, whole numbers alike whatever their type; empty for a missing value or a blank text."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    return text if text.strip() else ""
