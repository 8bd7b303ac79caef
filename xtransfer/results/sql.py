"""SQL that can only read: one SELECT, in a process of its own with limits of rows, time, memory and bytes."""

from __future__ import annotations

import json
import marshal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from xtransfer.base.errors import RequestError
from xtransfer.results.database import Database, sqlite_file
from xtransfer.results.files import read_only_location
from xtransfer.results.sql_hints import hint

_BYTES = 64 << 20  # of one value, and of the whole answer
_MEMORY = 1 << 30  # bytes of the process that runs the query
_START = 5.0  # seconds for the process to start and to connect


def select_rows(db: Database, query: str, *, max_rows: int = 10_000, seconds: float = 30.0) -> pd.DataFrame:
    """The rows of a query that only reads.

    At most `max_rows` rows (`frame.attrs["truncated"]` says whether there were more), `seconds` of time, 1 GiB of
    memory and 64 MiB of text. Bytes come as hexadecimal text, times in ISO form, a second column of one name as
    `name_2`. On PostgreSQL, functions that may have an effect are refused, and a superuser reads as
    `pg_read_all_data`. Raises RequestError for anything but one SELECT, for faulty SQL, and at a limit.
    """
    names, rows = _answer(db, query, max_rows + 1, seconds)
    values = zip(*rows[:max_rows], strict=True) if rows else [()] * len(names)
    frame = pd.DataFrame({name: _series(column) for name, column in zip(_distinct(names), values, strict=True)})
    frame.attrs["truncated"] = len(rows) > max_rows
    return frame


def _answer(db: Database, query: str, rows: int, seconds: float) -> tuple[list[str], list[tuple[object, ...]]]:
    try:
        query.encode()
    except UnicodeEncodeError as error:
        raise _refusal("the query is not valid Unicode text", seconds) from error
    asked: dict[str, object] = {"query": query, "rows": rows, "seconds": seconds, "memory": _MEMORY, "bytes": _BYTES,
                                "start": _START}  # fmt: skip
    file = sqlite_file(db.url)
    if file is not None:
        asked["location"] = read_only_location(file)
    else:
        first = query.split(maxsplit=1)[0].lower() if query.strip() else ""
        if not first or (first.isalpha() and first not in ("select", "with", "values", "table")):
            raise _refusal("not authorized", seconds)
        given = db.engine.dialect.create_connect_args(db.url)[1]
        asked["connect"] = {name: value for name, value in given.items() if isinstance(value, str | int)}
    command = [sys.executable, "-I", str(Path(__file__).with_name("sql_child.py"))]
    try:
        done = subprocess.run(command, input=json.dumps(asked).encode(), capture_output=True, timeout=seconds + _START)
    except subprocess.TimeoutExpired as error:
        raise _refusal("interrupted", seconds) from error
    if done.returncode:
        raise _refusal("too large" if b"MemoryError" in done.stderr else "interrupted", seconds)
    found = marshal.loads(done.stdout)  # noqa: S302, written by our own process
    if isinstance(found, str):
        raise _refusal(found + hint(found, query), seconds)
    names, values = found
    return names, values


def _series(values: Sequence[object]) -> pd.Series[Any]:
    """Returns a column in which whole numbers stay exact: beside a missing value, pandas makes them floats."""
    types = set(map(type, values))
    return pd.Series(values, dtype=object if int in types and len(types) > 1 else None)


def _distinct(names: Sequence[str]) -> list[str]:
    distinct: dict[str, None] = {}
    for name in names:
        chosen, number = name, 1
        while chosen in distinct or (number > 1 and chosen in names):
            number += 1
            chosen = f"{name}_{number}"
        distinct[chosen] = None
    return [*distinct]


def _refusal(reason: str, seconds: float) -> RequestError:
    reason = reason.strip()
    if any(word in reason for word in ("not authorized", "prohibited", "read-only", "readonly", "data-modifying")):
        return RequestError("sql: only one SELECT is allowed here; results are written by runs alone")
    if "cannot insert multiple commands" in reason:
        return RequestError("sql: one SELECT at a time, without ';' between several")
    if "interrupted" in reason or "statement timeout" in reason:
        return RequestError(f"sql: stopped after {seconds:g} s; narrow the query, or raise the limit")
    if "too large" in reason or "too big" in reason:
        return RequestError("sql: the query needs more than 1 GiB of memory or gives more than 64 MiB; narrow it")
    return RequestError(f"sql: {reason}")
