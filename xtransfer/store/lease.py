"""Leases: one holder of a name, and none once the holder is dead.

On one machine a lease is a lock on a file, which the kernel frees when its holder ends. Where the results database
is PostgreSQL, a lease is an advisory lock of it too, held by a connection of its own: the server frees it when the
connection ends, and asks a silent one whether its machine is still there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from xtransfer.base.errors import LeaseLost, StoreError

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import URL

# Seconds until the server asks a silent connection for the first time and again, and how often: a machine that lost
# its power or its network holds its leases for at most 10 + 3 * 5 s.
_IDLE, _INTERVAL, _COUNT = 10, 5, 3
_POLL_SECONDS = 0.2  # between two tries for a lease that is waited for
_SERVER = {
    "tcp_keepalives_idle": _IDLE,
    "tcp_keepalives_interval": _INTERVAL,
    "tcp_keepalives_count": _COUNT,
    "idle_session_timeout": 0,  # a holder says nothing for hours
}
_CLIENT: dict[str, Any] = {
    "keepalives_idle": _IDLE,
    "keepalives_interval": _INTERVAL,
    "keepalives_count": _COUNT,
    "connect_timeout": 10,
    "application_name": "xtransfer lease",
}


class Leases(Protocol):
    """Who may make what: one way of keeping processes apart."""

    def take(self, key: str) -> AbstractContextManager[Lease | None]:
        """The lease on `key`, held inside the context; None where another process holds it."""

    def held(self, keys: Collection[str]) -> set[str]:
        """Those of `keys` that a process holds now."""


class Lease(Protocol):
    """A lease that this process holds."""

    def confirm(self) -> None:
        """Raises LeaseLost where it is held no longer: what was made under it must not be kept."""


@dataclass(frozen=True)
class FileLeases:
    """A file per key in a folder. Keeps the processes of one machine apart, and those of all where flock reaches."""

    folder: Path

    @contextmanager
    def take(self, key: str) -> Iterator[Lease | None]:
        with lease_if_free(self._file(key)) as free:
            yield _Sure() if free else None

    def held(self, keys: Collection[str]) -> set[str]:
        return {key for key in keys if self._is_held(key)}

    def _is_held(self, key: str) -> bool:
        file = self._file(key)
        if not file.exists():
            return False
        with lease_if_free(file, shared=True) as free:
            return not free

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.lock"


class DatabaseLeases:
    """Advisory locks of a PostgreSQL database. Keeps the processes of all machines that use it apart."""

    def __init__(self, url: URL) -> None:
        import psycopg  # noqa: F401 - a stage server that makes one has it for all of its stages

        self._address = url.set(drivername="postgresql").render_as_string(hide_password=False)

    @contextmanager
    def take(self, key: str) -> Iterator[Lease | None]:
        with self._connected() as connection:
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", [_number(key)]).fetchone()
            yield _Session(connection, key) if row and row[0] else None

    def held(self, keys: Collection[str]) -> set[str]:
        names = {_number(key): key for key in keys}
        query = (
            "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        with self._connected() as connection:
            return {names[number] for (number,) in connection.execute(query) if number in names}

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        import psycopg

        settings = " ".join(f"-c {name}={value}" for name, value in _SERVER.items())
        try:
            connection = psycopg.connect(self._address, autocommit=True, options=settings, **_CLIENT)
        except psycopg.OperationalError as error:
            raise StoreError(f"XTRANSFER_DATABASE_URL: gives no lease: {str(error).strip()}") from error
        try:
            yield connection
        finally:
            with suppress(psycopg.Error):  # a connection that broke has freed its locks
                connection.close()


@dataclass(frozen=True)
class BothLeases:
    """A lease of both kinds: the file's is taken first, so that one machine asks the database once."""

    first: Leases
    second: Leases

    @contextmanager
    def take(self, key: str) -> Iterator[Lease | None]:
        with self.first.take(key) as near:
            if near is None:
                yield None
                return
            with self.second.take(key) as far:
                yield far and _Both(near, far)

    def held(self, keys: Collection[str]) -> set[str]:
        near = self.first.held(keys)
        return near | self.second.held(set(keys) - near)


def leases_for(folder: Path, database_url: str) -> Leases:
    """The leases of a store: files in `folder`, and PostgreSQL's locks where the results are there."""
    files = FileLeases(folder)
    if not database_url.startswith("postgresql"):
        return files
    from sqlalchemy import make_url  # only here: it takes longer than a small stage

    return BothLeases(files, DatabaseLeases(make_url(database_url)))


@contextmanager
def lease(file: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold an exclusive lock on `file` (made if missing), and wait for it. The kernel frees it when the process dies.

    `waiting` is called at each poll while another process holds it.
    """
    while True:
        with lease_if_free(file) as free:
            if free:
                yield
                return
        if waiting is not None:
            waiting()
        time.sleep(_POLL_SECONDS)


@contextmanager
def lease_if_free(file: Path, *, shared: bool = False) -> Iterator[bool]:
    """Like `lease`, but without waiting: gives False where another process holds it.

    `shared`: with others that ask so, which is enough to know that nobody holds it alone.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)  # closing frees the lock; the empty file stays, since removing it would race


class _Sure:
    """The kernel keeps it as long as this process lives."""

    def confirm(self) -> None:
        return


@dataclass(frozen=True)
class _Session:
    """Kept by the server as long as the connection lives."""

    connection: psycopg.Connection[Any]
    key: str

    def confirm(self) -> None:
        import psycopg

        try:
            self.connection.execute("SELECT 1")
        except psycopg.Error as error:
            raise LeaseLost(
                f"the connection to PostgreSQL that held the lease broke ({str(error).strip()}), and another process "
                "may be making the same by now"
            ) from error


@dataclass(frozen=True)
class _Both:
    near: Lease
    far: Lease

    def confirm(self) -> None:
        self.near.confirm()
        self.far.confirm()


def _number(key: str) -> int:
    """The 64-bit number by which PostgreSQL knows a lock."""
    return int.from_bytes(hashlib.sha256(f"xtransfer lease {key}".encode()).digest()[:8], "big", signed=True)
