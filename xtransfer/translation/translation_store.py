"""Stores finished translations: a stage's own shards, for resuming, and a cache of all sentences of this machine."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol, TypeVar

from xtransfer.base import settings

FILE = "translations.db"  # of the cache, in XTRANSFER_HOME
_MAX_BYTES = 2 << 30  # of the cache; about ten million sentences
_EVICTED_SHARE = 10  # a full cache drops the oldest tenth
_BUSY_SECONDS = 30
_KEYS_PER_QUERY = 500
_TABLE = """CREATE TABLE IF NOT EXISTS sentence (
    number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, output TEXT NOT NULL, digest BLOB NOT NULL
)"""
_log = logging.getLogger(__name__)
T = TypeVar("T")


class TranslationStore(Protocol):
    """Translations of one engine by sentence; a direction is written `en-de`."""

    def find(self, direction: str, sentences: Sequence[str]) -> dict[str, str]:
        """Returns sentence → translation, for the sentences that are stored."""
        ...

    def add(self, direction: str, outputs: Mapping[str, str], cut: frozenset[str]) -> None:
        """Stores sentence → translation.

        `cut`: sentences whose output was cut at its limit, which may depend on their batch.
        """
        ...


class NullStore:
    """Stores nothing."""

    def find(self, direction: str, sentences: Sequence[str]) -> dict[str, str]:
        return {}

    def add(self, direction: str, outputs: Mapping[str, str], cut: frozenset[str]) -> None:
        pass


class ChainedStore:
    """Adds to all of its stores; asks them in order for what earlier ones lack."""

    def __init__(self, *stores: TranslationStore) -> None:
        self.stores = stores

    def find(self, direction: str, sentences: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for store in self.stores:
            found |= store.find(direction, [one for one in sentences if one not in found])
        return found

    def add(self, direction: str, outputs: Mapping[str, str], cut: frozenset[str]) -> None:
        for store in self.stores:
            store.add(direction, outputs, cut)


class ShardStore:
    """A folder with one JSON file per shard, each written atomically. Only one process at a time may write to it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._outputs: dict[str, dict[str, str]] = defaultdict(dict)
        for file in sorted(folder.glob("*.json")):
            self._read(file)

    def find(self, direction: str, sentences: Sequence[str]) -> dict[str, str]:
        own = self._outputs[direction]
        return {one: own[one] for one in sentences if one in own}

    def add(self, direction: str, outputs: Mapping[str, str], cut: frozenset[str]) -> None:
        number = 1 + max((int(file.stem) for file in self._folder.glob("*.json")), default=0)
        unfinished = self._folder / "unfinished"
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump({"direction": direction, "outputs": dict(outputs)}, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(self._folder / f"{number:06}.json")
        self._outputs[direction] |= outputs

    def _read(self, file: Path) -> None:
        try:
            shard = json.loads(file.read_text(encoding="utf-8"))
            self._outputs[shard["direction"]] |= shard["outputs"]
        except (ValueError, KeyError, TypeError):  # damaged: its sentences are translated again
            file.unlink()


class SentenceCache:
    """All translations made on this machine, except cut ones, in one SQLite file that processes share.

    A key is a digest of engine, direction and sentence. An entry is used only if its own digest is correct, so a
    damaged file costs time but never gives a wrong translation. What cannot be read or written is logged and
    recomputed.
    """

    def __init__(self, engine: str, file: Path | None = None, max_bytes: int = _MAX_BYTES) -> None:
        """`engine` is a digest of everything that determines its output. `file`: by default in XTRANSFER_HOME."""
        self._engine = engine
        self._file = file or settings.current().home / FILE
        self._max_bytes = max_bytes

    def find(self, direction: str, sentences: Sequence[str]) -> dict[str, str]:
        keys = {self._key(direction, one): one for one in sentences}
        rows = self._attempt(lambda connection: _select(connection, list(keys))) or []
        return {keys[key]: output for key, output, digest in rows if digest == _digest(key, output)}

    def add(self, direction: str, outputs: Mapping[str, str], cut: frozenset[str]) -> None:
        rows = []
        for sentence, output in outputs.items():
            if sentence not in cut:
                key = self._key(direction, sentence)
                rows.append((key, output, _digest(key, output)))
        self._attempt(lambda connection: _insert(connection, rows, self._max_bytes))

    def _key(self, direction: str, sentence: str) -> bytes:
        text = "\0".join((self._engine, direction, sentence))
        return hashlib.sha256(text.encode()).digest()[:16]

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._file, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
                connection.execute(_TABLE)
                return work(connection)
        except (sqlite3.OperationalError, OSError) as error:  # full, locked, read-only
            _log.warning("cannot use the translation cache %s: %s; sentences are translated again", self._file, error)
        except sqlite3.DatabaseError as error:
            _log.warning("the translation cache %s is damaged (%s); starting a new one", self._file, error)
            for file in (self._file.with_name(f"{self._file.name}-journal"), self._file):
                file.unlink(missing_ok=True)
        return None


def _select(connection: sqlite3.Connection, keys: Sequence[bytes]) -> list[tuple[bytes, str, bytes]]:
    rows: list[tuple[bytes, str, bytes]] = []
    for start in range(0, len(keys), _KEYS_PER_QUERY):
        some = keys[start : start + _KEYS_PER_QUERY]
        marks = ", ".join("?" * len(some))
        rows += connection.execute(f"SELECT key, output, digest FROM sentence WHERE key IN ({marks})", some)  # noqa: S608
    return rows


def _insert(connection: sqlite3.Connection, rows: Sequence[tuple[bytes, str, bytes]], max_bytes: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        if _used_bytes(connection) > max_bytes:
            connection.execute(
                "DELETE FROM sentence WHERE number <= (SELECT MIN(number) + (MAX(number) - MIN(number)) / ? "
                "FROM sentence)",
                (_EVICTED_SHARE,),
            )
        connection.executemany("INSERT OR REPLACE INTO sentence (key, output, digest) VALUES (?, ?, ?)", rows)


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _digest(key: bytes, output: str) -> bytes:
    return hashlib.sha256(key + output.encode()).digest()[:8]
