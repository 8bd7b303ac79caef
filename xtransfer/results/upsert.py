"""Inserts rows, or updates those whose key exists. All rows of results are written this way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import JSON, Connection, Table, Text, and_, bindparam, cast, column, delete, func, or_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Row

from xtransfer.results.base import Base

_CHUNK = 500  # values bound in one statement, below SQLite's limit
_T = TypeVar("_T")
_Insert = TypeVar("_Insert", sqlite.Insert, postgresql.Insert)

Values = dict[str, Any]  # a row to write; Any: columns of every type
Stored: TypeAlias = Row[tuple[object, ...]]  # a row as read; its columns are its attributes


def upsert(
    connection: Connection,
    model: type[Base],
    rows: Sequence[Mapping[str, object]],
    *,
    keep: Sequence[str] = (),
    unless_equal: Sequence[str] = (),
) -> None:
    """Inserts rows, all with the same columns, or updates those whose key exists.

    Updates leave the columns of `keep` as they are. A row whose `unless_equal` columns are unchanged is not updated.
    """
    if not rows:
        return
    columns = tuple(rows[0])
    if connection.dialect.name == "postgresql":
        statement = _of_json(model, columns, tuple(keep), tuple(unless_equal))
        connection.execute(statement, {"rows": json.dumps(rows, default=moment)})
    else:
        connection.execute(_of_row(model, columns, tuple(keep), tuple(unless_equal)), list(rows))


def replace(
    connection: Connection,
    model: type[Base],
    chosen: Mapping[str, object],
    rows: Sequence[Mapping[str, object]],
    *,
    unless_equal: Sequence[str] = (),
) -> None:
    """Makes `rows` the only rows that have the values of `chosen`, which are columns of the table's key."""
    table = table_of(model)
    here = and_(*(table.c[name] == value for name, value in chosen.items()))
    key = [column for column in table.primary_key.columns if column.name not in chosen]
    kept = [tuple(row[column.name] for column in key) for row in rows]
    connection.execute(delete(table).where(here, tuple_(*key).not_in(kept)) if kept else delete(table).where(here))
    upsert(connection, model, rows, unless_equal=unless_equal)


def chunks(values: Sequence[_T]) -> Iterable[Sequence[_T]]:
    """Returns parts that are short enough to bind in one statement."""
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))


def table_of(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


@cache
def _of_row(
    model: type[Base], columns: tuple[str, ...], keep: tuple[str, ...], unless_equal: tuple[str, ...]
) -> sqlite.Insert:
    """Returns a statement for one row; it is compiled once and run for each row."""
    insert = sqlite.insert(table_of(model)).values(dict.fromkeys(columns))
    return _or_update(insert, model, columns, keep, unless_equal)


@cache
def _of_json(
    model: type[Base], columns: tuple[str, ...], keep: tuple[str, ...], unless_equal: tuple[str, ...]
) -> postgresql.Insert:
    """Returns one statement for all rows, which are bound as one JSON text: one round trip to the server."""
    table = table_of(model)
    typed = (column(name, table.c[name].type) for name in columns)
    given = func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON)).table_valued(*typed, name="given")
    rows = select(*given.render_derived(with_types=True).c)
    return _or_update(postgresql.insert(table).from_select(columns, rows), model, columns, keep, unless_equal)


def moment(value: object) -> str:
    """Returns a moment as ISO 8601 for JSON; raises ValueError for any other type and for a naive moment."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"{value!r} is not a moment with a time zone")
    return value.isoformat()


def _or_update(
    insert: _Insert, model: type[Base], columns: tuple[str, ...], keep: tuple[str, ...], unless_equal: tuple[str, ...]
) -> _Insert:
    table = table_of(model)
    key = [column.name for column in table.primary_key.columns]
    new = {name: insert.excluded[name] for name in columns if name not in key and name not in keep}
    if not new:
        return insert.on_conflict_do_nothing(index_elements=key)
    differs = [table.c[name].is_distinct_from(insert.excluded[name]) for name in unless_equal]
    return insert.on_conflict_do_update(index_elements=key, set_=new, where=or_(*differs) if differs else None)
