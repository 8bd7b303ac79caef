"""Checks each row of an imported file before anything is compared or written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Column, Table
from sqlalchemy.exc import SQLAlchemyError

from xtransfer.base.errors import StoreError
from xtransfer.base.printable import printable
from xtransfer.results.schema import UtcDateTime
from xtransfer.results.upsert import Values

Rows = Callable[[Table], Iterator[list[Values]]]  # the rows of a table, in batches

_FREE_TEXT = ("reason",)  # messages of programs, which may be coloured
_LARGEST = 2**31 - 1  # in an integer column of PostgreSQL
_SHOWN = 40  # characters of a value in a message
_UNREADABLE = (
    pa.ArrowException, SQLAlchemyError, OSError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError,
    RecursionError,
)  # fmt: skip
_WORDS = {
    str: "text",
    int: f"a whole number up to {_LARGEST}",
    float: "a number",
    bool: "true or false",
    datetime: "a time with a zone",
    dict: "an object",
}


def checked(file: Path, rows: Rows) -> Rows:
    """Returns the same rows; raises StoreError for one that lacks the columns or types of its table."""

    def those(table: Table) -> Iterator[list[Values]]:
        number = 0
        with readable(file):
            for part in rows(table):
                for row in part:
                    number += 1
                    if fault := _fault(table, row):
                        raise damaged(file, f"table {table.name}, row {number}: {fault}")
                yield part

    return those


@contextmanager
def readable(file: Path) -> Iterator[None]:
    """Turns errors while an imported file is read into a StoreError that names the file."""
    try:
        yield
    except _UNREADABLE as error:
        raise damaged(file, str(getattr(error, "orig", None) or error) or type(error).__name__) from error


def damaged(file: Path, reason: str) -> StoreError:
    """Returns the error for an imported file that cannot be used."""
    return StoreError(f"{file}: is damaged or not an export of xtransfer ({' '.join(reason.split())[:200]}); nothing "
                      "was changed; ask for the file again")  # fmt: skip


def type_of(column: Column[object]) -> type:
    """Returns the Python type of a column's values."""
    return datetime if isinstance(column.type, UtcDateTime) else column.type.python_type


def _fault(table: Table, row: object) -> str | None:
    """Returns what is wrong with a row; None if nothing is."""
    if not isinstance(row, Mapping):
        return "is not an object"
    names = {column.name for column in table.columns}
    if row.keys() != names:
        return "; ".join(
            f"{words} {', '.join(map(str, sorted(those, key=str)))[:_SHOWN]}"
            for words, those in (("lacks", names - row.keys()), ("has an unknown column", row.keys() - names))
            if those
        )
    faults = (_value_fault(column, row[column.name]) for column in table.columns)
    return next((fault for fault in faults if fault), None)


def _value_fault(column: Column[object], value: Any) -> str | None:  # Any: unchecked JSON
    if value is None:
        return None if column.nullable else f"{column.name} is missing"
    wanted = type_of(column)
    is_right = type(value) is wanted or (wanted is float and type(value) is int)
    if is_right and wanted is float:
        is_right = math.isfinite(value)
    elif is_right and wanted is int:
        is_right = abs(value) <= _LARGEST
    elif is_right and wanted is datetime:
        is_right = value.tzinfo is not None
    elif is_right and wanted is str and column.name not in _FREE_TEXT and printable(value) != value:
        return f"{column.name} has a character that cannot be printed: {ascii(value)[:_SHOWN]}"
    return None if is_right else f"{column.name} is {ascii(value)[:_SHOWN]}, not {_WORDS[wanted]}"
