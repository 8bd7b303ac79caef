"""Selects the rows of each table that belong to some studies, by following foreign keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Column, ColumnElement, Select, Table, and_, exists, or_, select

from xtransfer.base.languages import TABLE
from xtransfer.results.schema import Base, CellStageRow, LanguageRow, StudyCellRow
from xtransfer.results.upsert import Values

# Tables that are not moved: reference tables, which every database opened for writing has; watched checkpoints, whose
# locations mean nothing elsewhere; and the identity of the database
OWN = ("metric", "suite_part", "watched_checkpoint", "checkpoint_run", "identity")

Condition = ColumnElement[bool]
_Chosen = list[str] | Select[tuple[str]]


def moved() -> list[Table]:
    """Returns the tables that are moved; those that others refer to come first."""
    return [table for table in Base.metadata.sorted_tables if table.name not in OWN]


def parents_first(table: Table, parts: Iterable[list[Values]]) -> Iterator[list[Values]]:
    """Yields rows in batches so that rows of a table that refers to itself come after those they refer to."""
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
    """Returns the typed model of a table."""
    (model,) = (mapper.class_ for mapper in Base.registry.mappers if mapper.local_table is table)
    return model


def conditions(studies: Sequence[str] | None) -> Mapping[str, Condition]:
    """Returns a condition on rows by table, for some studies (None: all); a table without one moves whole.

    It selects the rows of the studies, of their cells, of the stages behind them, and of the encoders, benchmarks and
    languages that these refer to; of languages, those that benchmark files declare. Tables that no moved table refers
    to (published scores) move whole.
    """
    own_languages = LanguageRow.code.not_in(TABLE)
    if studies is None:
        return {LanguageRow.__tablename__: own_languages}
    cells = select(StudyCellRow.cell).where(StudyCellRow.study.in_(studies))
    stages = select(CellStageRow.stage).where(CellStageRow.cell.in_(cells))
    roots: dict[str, _Chosen] = {"study.name": list(studies), "cell.key": cells, "stage.key": stages}
    found: dict[str, Condition] = {}
    for table in reversed(moved()):
        condition = _belongs(table, roots) if _keyed(table, roots) else _referred(table, found)
        if condition is not None:
            found[table.name] = condition
    found[LanguageRow.__tablename__] = and_(own_languages, found[LanguageRow.__tablename__])
    return found


def _keyed(table: Table, roots: Mapping[str, _Chosen]) -> bool:
    return any(_root(column) in roots for column in table.primary_key.columns)


def _belongs(table: Table, roots: Mapping[str, _Chosen]) -> Condition:
    """Every part of its key that names a study, cell or stage names a chosen one."""
    own = [(column, roots[_root(column)]) for column in table.primary_key.columns if _root(column) in roots]
    return and_(*(column.in_(chosen) for column, chosen in own))


def _root(column: Column[object]) -> str:
    """Returns `cell.key` for the key of a cell, in its own table or in one that refers to it."""
    target = next(iter(column.foreign_keys), None)
    return str(target.target_fullname) if target is not None else f"{column.table.name}.{column.name}"


def _referred(table: Table, found: Mapping[str, Condition]) -> Condition | None:
    """A chosen row of another table refers to it; None if no other table can."""
    ways = [
        exists(1).where(found[other.name], *(part.parent == part.column for part in link.elements))
        for other in moved()
        if other.name in found
        for link in other.foreign_key_constraints
        if link.referred_table is table and other is not table
    ]
    return or_(*ways) if ways else None
