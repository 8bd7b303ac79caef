"""The process that runs one foreign SELECT: killed when its time is over, and bounded in memory and in bytes returned.

Started by `xtransfer.results.sql` as a plain script, so it imports next to nothing. It reads one request as JSON from
standard input and writes the answer with `marshal` to standard output: `(names, rows)`, or the reason of a refusal.
"""

from __future__ import annotations

import json
import marshal
import re
import signal
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from itertools import islice
from typing import Any

_Answer = tuple[list[str], list[tuple[object, ...]]]  # column names, rows
_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_HARMLESS = ("random", "clock_timestamp", "timeofday", "gen_random_uuid")  # volatile, and without any effect
_FUNCTIONS = re.compile(r":(?:funcid|opfuncid|aggfnoid|winfnoid|tsmhandler) (\d+)")


class TooLarge(Exception):
    """The answer has more bytes than allowed."""


class Refused(Exception):
    """The reason why a query is not run, or the server's error."""


def main() -> None:
    asked = json.load(sys.stdin)
    _limit(asked["memory"], asked["seconds"] + (0 if "location" in asked else asked["start"]))
    answer: object
    try:
        read = sqlite if "location" in asked else postgresql
        answer = read(asked)
    except (TooLarge, MemoryError):
        answer = "too large"
    except (sqlite3.Error, sqlite3.Warning, Refused) as error:
        answer = str(error)
    sys.stdout.buffer.write(marshal.dumps(answer))


def sqlite(asked: Mapping[str, Any]) -> _Answer:  # Any: JSON
    """Returns the column names and rows of a query on a SQLite file."""
    with closing(sqlite3.connect(asked["location"], uri=True)) as connection:
        connection.execute(f"PRAGMA hard_heap_limit = {asked['memory']}")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA query_only = ON")
        connection.execute(f"PRAGMA busy_timeout = {int(asked['seconds'] * 1000)}")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, asked["bytes"])
        connection.set_authorizer(_allow_reading)
        cursor = connection.execute(asked["query"])
        if cursor.description is None:
            raise Refused("the query returns no rows")
        return [field[0] for field in cursor.description], list(_bounded(islice(cursor, asked["rows"]), asked["bytes"]))


def _allow_reading(action: int, first: str | None, second: str | None, database: str | None, view: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() == "load_extension":
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY


def postgresql(asked: Mapping[str, Any]) -> _Answer:
    """Returns the column names and rows of a query on a PostgreSQL server, over its own connection.

    The server itself parses the query, as a view that is rolled back, so every function in it is known before it
    runs: functions that may have an effect are refused. A superuser's rights are given up for the query.
    """
    import psycopg

    try:
        with closing(psycopg.connect(**asked["connect"])) as connection, connection.cursor() as cursor:
            _check_functions(cursor, asked["query"])
            connection.rollback()
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(f"SET LOCAL statement_timeout = {int(asked['seconds'] * 1000)}")
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            if cursor.fetchone() == (True,):
                cursor.execute("SET LOCAL ROLE pg_read_all_data")
            # Only a SELECT can be a cursor, where COPY would write files; what is prepared is one statement.
            cursor.execute(f"DECLARE answer NO SCROLL CURSOR FOR {asked['query']}", prepare=True)
            cursor.execute(f"FETCH FORWARD {asked['rows']} FROM answer")
            names = [field.name for field in cursor.description or ()]
            return names, list(_bounded(iter(cursor), asked["bytes"]))
    except psycopg.Error as error:
        if "out of memory" in str(error):
            raise TooLarge from error
        raise Refused(error.diag.message_primary or str(error)) from error


def _check_functions(cursor: Any, query: str) -> None:
    # EXISTS keeps the query's own columns in the rule, and lets two of them share a name, as a view does not.
    cursor.execute(f"CREATE TEMP VIEW asked AS SELECT WHERE EXISTS (\n{query}\n)", prepare=True)
    cursor.execute("SELECT ev_action::text FROM pg_rewrite WHERE ev_class = 'pg_temp.asked'::regclass")
    used = sorted({int(number) for number in _FUNCTIONS.findall(cursor.fetchone()[0])})
    cursor.execute(
        "SELECT proname FROM pg_proc WHERE oid = ANY(%s) AND (pronamespace <> 'pg_catalog'::regnamespace"
        " OR (provolatile = 'v' AND proname <> ALL(%s))) ORDER BY 1 LIMIT 1",
        [used, list(_HARMLESS)],
    )
    if refused := cursor.fetchone():
        raise Refused(f"the function {refused[0]} may have an effect outside the query; it is not allowed here")


def _bounded(rows: Iterable[Iterable[object]], limit: int) -> Iterator[tuple[object, ...]]:
    size = 0
    for row in rows:
        plain = tuple(_plain(value) for value in row)
        size += sum(len(value) if isinstance(value, str) else 16 for value in plain)
        if size > limit:
            raise TooLarge
        yield plain


def _plain(value: object) -> object:
    """Text for everything but numbers: bytes in hexadecimal, times in ISO form, JSON as JSON."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    with suppress(AttributeError):
        return value.isoformat()  # type: ignore[attr-defined]  # date, time, datetime
    with suppress(AttributeError, TypeError, ValueError):  # Decimal, of which a sum of whole numbers has no places
        return int(value) if value.as_tuple().exponent == 0 else float(value)  # type: ignore[attr-defined,call-overload,arg-type]
    return str(value)


def _limit(memory: int, seconds: float) -> None:
    with suppress(ImportError, OSError, ValueError):  # some systems lack these; the parent's clock always runs
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        signal.setitimer(signal.ITIMER_REAL, seconds)  # its default action ends the process, wherever it is


if __name__ == "__main__":
    main()
