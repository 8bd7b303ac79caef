"""Sentences that any study on this machine has translated: one SQLite file, shared by processes.

An entry is found by a digest of engine, direction and sentence, and is believed only if its own digest agrees: a
damaged file costs time and never gives a wrong translation. What cannot be read or written is worked out again.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from xtransfer.base import settings

FILE = "translations.db"  # below XTRANSFER_HOME
_MOST_BYTES = 2 << 30  # of the file; about ten million sentences
_SHARE_DROPPED = 10  # one in so many, the oldest, when the file is full
_BUSY_SECONDS = 30
_KEYS_PER_QUERY = 500
_TABLE = """CREATE TABLE IF NOT EXISTS sentence (
    number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, output TEXT NOT NULL, digest BLOB NOT NULL
)"""
_log = logging.getLogger(__name__)
T = TypeVar("T")


class SentenceCache:
    """The translations of one engine; `engine` is a digest of all that decides its output."""

    def __init__(self, engine: str, file: Path | None = None, most_bytes: int = _MOST_BYTES) -> None:
        self._engine = engine
        self._file = file or settings.current().home / FILE
        self._most_bytes = most_bytes

    def known(self, direction: str, sentences: Sequence[str]) -> dict[str, str]:
        keys = {self._key(direction, one): one for one in sentences}
        rows = self._tried(lambda connection: _found(connection, list(keys))) or []
        return {keys[key]: output for key, output, digest in rows if digest == _digest(key, output)}

    def keep(self, direction: str, outputs: Mapping[str, str], cut: frozenset[str]) -> None:
        rows = []
        for sentence, output in outputs.items():
            if sentence not in cut:
                key = self._key(direction, sentence)
                rows.append((key, output, _digest(key, output)))
        self._tried(lambda connection: _write(connection, rows, self._most_bytes))

    def _key(self, direction: str, sentence: str) -> bytes:
        text = "\0".join((self._engine, direction, sentence))
        return hashlib.sha256(text.encode()).digest()[:16]

    def _tried(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._file, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
                connection.execute(_TABLE)
                return work(connection)
        except (sqlite3.OperationalError, OSError) as error:  # full, locked, read-only
            _log.warning("translations are not kept in %s: %s", self._file, error)
        except sqlite3.DatabaseError as error:
            _log.warning("%s is damaged (%s) and begun anew", self._file, error)
            for file in (self._file.with_name(f"{self._file.name}-journal"), self._file):
                file.unlink(missing_ok=True)
        return None


def _found(connection: sqlite3.Connection, keys: Sequence[bytes]) -> list[tuple[bytes, str, bytes]]:
    rows: list[tuple[bytes, str, bytes]] = []
    for start in range(0, len(keys), _KEYS_PER_QUERY):
        some = keys[start : start + _KEYS_PER_QUERY]
        marks = ", ".join("?" * len(some))
        rows += connection.execute(f"SELECT key, output, digest FROM sentence WHERE key IN ({marks})", some)  # noqa: S608
    return rows


def _write(connection: sqlite3.Connection, rows: Sequence[tuple[bytes, str, bytes]], most_bytes: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        if _bytes(connection) > most_bytes:
            connection.execute(
                "DELETE FROM sentence WHERE number <= (SELECT MIN(number) + (MAX(number) - MIN(number)) / ? "
                "FROM sentence)",
                (_SHARE_DROPPED,),
            )
        connection.executemany("INSERT OR REPLACE INTO sentence (key, output, digest) VALUES (?, ?, ?)", rows)


def _bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _digest(key: bytes, output: str) -> bytes:
    return hashlib.sha256(key + output.encode()).digest()[:8]
