"""SQL that can only read: one SELECT, a limit of rows and of time."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import Any

import pandas as pd

from xtransfer.base.errors import RequestError
from xtransfer.results.database import Database, sqlite_file
from xtransfer.results.files import connect_read_only

_LONGEST = 64 << 20  # bytes of one value
_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


def select_rows(db: Database, query: str, *, max_rows: int = 10_000, seconds: float = 30.0) -> pd.DataFrame:
    """The rows of a query that only reads.

    At most `max_rows` rows (`frame.attrs["truncated"]` says whether there were more) and `seconds` of
    time. Raises RequestError for anything but one SELECT, for faulty SQL and when the time is over.
    """
    run = _sqlite if sqlite_file(db.url) is not None else _server
    names, rows = run(db, query, max_rows + 1, seconds)
    frame = pd.DataFrame(rows[:max_rows], columns=names)
    frame.attrs["truncated"] = len(rows) > max_rows
    return frame


def _sqlite(db: Database, query: str, rows: int, seconds: float) -> tuple[list[str], list[Any]]:
    file = sqlite_file(db.url)
    assert file is not None
    with closing(connect_read_only(file)) as connection:
        connection.set_authorizer(_allow_reading)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
        deadline = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        try:
            cursor = connection.execute(query)
            found = cursor.fetchmany(rows)
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise _refusal(str(error), seconds) from error
        if cursor.description is None:
            raise _refusal("the query gives no rows", seconds)
        return [field[0] for field in cursor.description], found


def _server(db: Database, query: str, rows: int, seconds: float) -> tuple[list[str], list[Any]]:
    first = query.split(maxsplit=1)[0].lower() if query.strip() else ""
    if first.isalpha() and first not in ("select", "with", "values", "table"):
        raise _refusal("not authorized", seconds)
    raw = db.engine.raw_connection()
    try:
        cursor: Any = raw.cursor()
        try:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
            # Only a SELECT can be a cursor, where COPY would write files; what is prepared is one statement.
            cursor.execute(f"DECLARE answer NO SCROLL CURSOR FOR {query}", prepare=True)
            cursor.execute(f"FETCH FORWARD {rows} FROM answer")
            return [field.name for field in cursor.description], cursor.fetchall()
        except cursor.connection.Error as error:
            raise _refusal(error.diag.message_primary or str(error), seconds) from error
    finally:
        raw.rollback()
        raw.close()


def _allow_reading(action: int, first: str | None, second: str | None, database: str | None, view: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() == "load_extension":
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY


def _refusal(reason: str, seconds: float) -> RequestError:
    reason = reason.strip()
    if "not authorized" in reason or "prohibited" in reason or "read-only" in reason or "readonly" in reason:
        return RequestError("sql: only one SELECT is allowed here; results are written by runs alone")
    if "cannot insert multiple commands" in reason:
        return RequestError("sql: one SELECT at a time, without ';' between several")
    if "interrupted" in reason or "statement timeout" in reason:
        return RequestError(f"sql: stopped after {seconds:g} s; narrow the query, or raise the limit")
    return RequestError(f"sql: {reason}")
