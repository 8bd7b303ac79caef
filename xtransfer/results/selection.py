"""Which rows of each table go along when results of some studies are moved; read off the foreign keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, exists, or_, select

from xtransfer.results.schema import Base, CellStageRow, StudyCellRow
from xtransfer.results.upsert import Values

# What need not be moved: what the program knows, which is written whenever a database is opened for writing, what was
# seen of checkpoints, whose places mean nothing elsewhere, and which database it is
OWN = ("language", "metric", "suite_part", "watched_checkpoint", "checkpoint_run", "identity")

Condition = ColumnElement[bool]


def moved() -> list[Table]:
    """The tables that are moved, those that others refer to first."""
    return [table for table in Base.metadata.sorted_tables if table.name not in OWN]


def parents_first(table: Table, parts: Iterable[list[Values]]) -> Iterator[list[Values]]:
    """Rows of a table that refers to itself after those that they refer to; rows of any other as they come."""
    columns = [column for column in table.columns if any(key.column.table is table for key in column.foreign_keys)]
    if not columns:
        yield from parts
        return
    (key,) = table.primary_key.columns
    waiting = {row[key.name]: row for part in parts for row in part}
    while waiting:
        rows = waiting.values()
        ready = [row for row in rows if not any(row[column.name] in waiting for column in columns)] or list(rows)
        yield ready
        for row in ready:
            del waiting[row[key.name]]


def model_of(table: Table) -> type[Base]:
    """The typed model of a table."""
    (model,) = (mapper.class_ for mapper in Base.registry.mappers if mapper.local_table is table)
    return model


def conditions(studies: Sequence[str] | None) -> Mapping[str, Condition]:
    """What rows must fulfil, by table; a table that is not named goes whole. None: all studies.

    Rows of a study, of its cells, and of the stages behind them; of what these refer to (encoders, benchmarks) only
    that; tables that nothing here refers to (published figures) whole.
    """
    if studies is None:
        return {}
    cells = select(StudyCellRow.cell).where(StudyCellRow.study.in_(studies))
    stages = select(CellStageRow.stage).where(CellStageRow.cell.in_(cells))
    roots = {"study.name": list(studies), "cell.key": cells, "stage.key": stages}
    found: dict[str, Condition] = {}
    for table in reversed(moved()):
        condition = _belongs(table, roots) if _keyed(table, roots) else _referred(table, found)
        if condition is not None:
            found[table.name] = condition
    return found


def _keyed(table: Table, roots: Mapping[str, Any]) -> bool:
    return any(_root(column) in roots for column in table.primary_key.columns)


def _belongs(table: Table, roots: Mapping[str, Any]) -> Condition:
    """Every part of its key that names a study, cell or stage names a chosen one."""
    own = [(column, roots[_root(column)]) for column in table.primary_key.columns if _root(column) in roots]
    return and_(*(column.in_(chosen) for column, chosen in own))


def _root(column: Any) -> str:
    """`cell.key` for the key of a cell, in its own table or where it is referred to."""
    target = next(iter(column.foreign_keys), None)
    return str(target.target_fullname) if target is not None else f"{column.table.name}.{column.name}"


def _referred(table: Table, found: Mapping[str, Condition]) -> Condition | None:
    """Some chosen row of another table refers to it; None where no other table could."""
    ways = [
        exists(1).where(found[other.name], *(part.parent == part.column for part in link.elements))
        for other in moved()
        if other.name in found
        for link in other.foreign_key_constraints
        if link.referred_table is table and other is not table
    ]
    return or_(*ways) if ways else None
