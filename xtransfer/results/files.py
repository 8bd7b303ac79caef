"""Inspects and opens SQLite results databases."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event

from xtransfer.base.errors import RequestError, StoreError
from xtransfer.results.faults import BUSY_SECONDS, damaged, explained
from xtransfer.results.schema import VERSION_TABLE

_CHECKED_BYTES = 16 << 20  # larger files are not checked for damage when opened, only when read


def look_at(file: Path, *, read_only: bool) -> tuple[str | None, set[str]]:
    """Returns the schema revision and the tables of a database file: None and no tables if there is no file yet.

    Writes nothing, not even SQLite's files beside it. Raises RequestError for a file that cannot be used, StoreError
    for a damaged one.
    """
    if not file.exists():
        if read_only:
            raise RequestError(f"{file}: no results here yet; run a study first, for example: xtransfer run lab")
        if not file.parent.is_dir():
            raise RequestError(
                f"{file}: no folder {file.parent}; create it, or set XTRANSFER_DATABASE_URL to another file"
            )
        if not os.access(file.parent, os.W_OK):
            raise RequestError(f"{file}: cannot write to {file.parent}; set XTRANSFER_DATABASE_URL to another file")
        return None, set()
    if file.is_dir():
        raise RequestError(f"{file}: is a folder; set XTRANSFER_DATABASE_URL to a file")
    if not os.access(file, os.R_OK if read_only else os.R_OK | os.W_OK):
        raise RequestError(f"{file}: cannot be {'read' if read_only else 'written'}; change its permissions "
                           "or set XTRANSFER_DATABASE_URL to another file")  # fmt: skip
    if file.stat().st_size == 0:
        return None, set()
    log = file.with_name(file.name + "-wal")
    if log.exists():
        return _look_at(file, immutable=False)
    try:
        return _look_at(file, immutable=True)
    except StoreError:
        if not log.exists():
            raise
        return _look_at(file, immutable=False)  # another program started to write during the check


def _look_at(file: Path, *, immutable: bool) -> tuple[str | None, set[str]]:
    with _whole(file), explained(str(file)), closing(connect_read_only(file, immutable=immutable)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if file.stat().st_size <= _CHECKED_BYTES:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise damaged(str(file), verdict)
        if VERSION_TABLE not in tables:
            return None, tables
        query = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 - a constant name
        found = connection.execute(query).fetchone()
        return (found[0] if found else None), tables


@contextmanager
def _whole(file: Path) -> Iterator[None]:
    """Takes what SQLite says of a file that nobody reads yet for damage."""
    try:
        yield
    except sqlite3.Error as error:
        raise damaged(str(file), str(error)) from error


def read_only_location(file: Path, *, immutable: bool | None = None) -> str:
    """Returns the URI that opens a SQLite file read-only.

    `immutable` reads the file without its log and without locks; the default does so only on a read-only disk, where
    nothing else works.
    """
    sidecars = [file.with_name(file.name + suffix) for suffix in ("-wal", "-shm")]
    if immutable is None:
        immutable = not os.access(file.parent, os.W_OK) and not any(one.exists() for one in sidecars)
    return f"file:{quote(str(file.absolute()))}?{'immutable=1' if immutable else 'mode=ro'}"


def connect_read_only(file: Path, *, immutable: bool | None = None) -> sqlite3.Connection:
    """A connection that cannot write; `immutable` as `read_only_location`."""
    location = read_only_location(file, immutable=immutable)
    connection = sqlite3.connect(location, uri=True, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    connection.execute("PRAGMA query_only = ON")
    return connection


def engine(file: Path, *, read_only: bool, foreign_keys: bool = True) -> Engine:
    """Returns an engine on the file; a transaction takes the write lock when it begins."""
    if read_only:
        return create_engine("sqlite://", creator=lambda: connect_read_only(file), pool_size=2)
    made = create_engine(URL.create("sqlite", database=str(file)), connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(made, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy begins transactions, also for DDL
        _use_write_ahead_log(connection)
        # A power cut may lose the last transactions; a rerun writes their rows again from the artifacts.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -65536")  # KiB; new rows have random keys, so they touch many pages
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")

    @event.listens_for(made, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # SQLite does not wait when a reading transaction wants to write

    return made


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Turns on the write-ahead log, so that readers never wait; waits for the lock, which SQLite does not do here."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
