"""Leases: at most one holder per name, released when the holder dies.

On one machine a lease is a file lock, which the kernel releases when its holder ends. If the results database is
PostgreSQL, a lease is also an advisory lock there, held by its own connection: the server releases it when the
connection ends, and probes idle connections with TCP keepalives.
"""

from __future__ import annotations

import errno
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

# TCP keepalives: idle seconds before the first probe, seconds between probes, failed probes before the connection is
# dropped. A machine without power or network keeps its leases for at most 10 + 3 * 5 s.
_IDLE, _INTERVAL, _COUNT = 10, 5, 3
_POLL_SECONDS = 0.2  # between attempts to take a lease
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)
_SERVER = {
    "tcp_keepalives_idle": _IDLE,
    "tcp_keepalives_interval": _INTERVAL,
    "tcp_keepalives_count": _COUNT,
    "idle_session_timeout": 0,  # a holder is silent for hours
}
_CLIENT: dict[str, Any] = {  # Any: numbers and text, which psycopg declares one by one
    "keepalives_idle": _IDLE,
    "keepalives_interval": _INTERVAL,
    "keepalives_count": _COUNT,
    "connect_timeout": 10,
    "application_name": "xtransfer lease",
}


class Leases(Protocol):
    """A way to let only one process make a key."""

    def take(self, key: str) -> AbstractContextManager[Lease | None]:
        """Holds the lease on `key` inside the context; None if another process holds it."""

    def held(self, keys: Collection[str]) -> set[str]:
        """Returns those of `keys` that a process holds now."""


class Lease(Protocol):
    """A lease that this process holds."""

    def confirm(self) -> None:
        """Raises LeaseLost if the lease was lost: output made under it must not be kept."""


@dataclass(frozen=True)
class FileLeases:
    """A lock file per key. Works between processes of one machine, and across machines if the file system has flock."""

    folder: Path
    optional: bool = False  # on a file system without locks, every lease is free: others keep processes apart

    @contextmanager
    def take(self, key: str) -> Iterator[Lease | None]:
        with lease_if_free(self._file(key), optional=self.optional) as free:
            yield _Sure() if free else None

    def held(self, keys: Collection[str]) -> set[str]:
        return {key for key in keys if self._is_held(key)}

    def _is_held(self, key: str) -> bool:
        file = self._file(key)
        if not file.exists():
            return False
        with lease_if_free(file, shared=True, optional=self.optional) as free:
            return not free

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.lock"


class DatabaseLeases:
    """PostgreSQL advisory locks. Works between all machines that use the database."""

    def __init__(self, url: URL) -> None:
        import psycopg  # noqa: F401 - imported once per stage server, before its first stage

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
    def _connected(self) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        import psycopg

        settings = " ".join(f"-c {name}={value}" for name, value in _SERVER.items())
        try:
            connection = psycopg.connect(self._address, autocommit=True, options=settings, **_CLIENT)
        except psycopg.OperationalError as error:
            raise StoreError(f"XTRANSFER_DATABASE_URL: cannot take a lease: {str(error).strip()}") from error
        try:
            yield connection
        finally:
            with suppress(psycopg.Error):  # a broken connection has released its locks
                connection.close()


@dataclass(frozen=True)
class BothLeases:
    """Both kinds of lease. The file lock comes first, so that each machine makes one database request."""

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
    """Returns the leases of a store: lock files in `folder`, plus PostgreSQL locks if the results are there."""
    if not database_url.startswith("postgresql"):
        return FileLeases(folder)
    from sqlalchemy import make_url  # slow to import: longer than a small stage

    return BothLeases(FileLeases(folder, optional=True), DatabaseLeases(make_url(database_url)))


@contextmanager
def lease(file: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Waits for an exclusive lock on `file` (created if missing) and holds it; the kernel releases it on exit.

    Calls `waiting` at each poll while another process holds the lock.
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
def lease_if_free(file: Path, *, shared: bool = False, optional: bool = False) -> Iterator[bool]:
    """Like `lease`, but does not wait: yields False if another process holds the lock.

    `shared` takes a shared lock, enough to check that nobody holds it exclusively; `optional` as for `flock`.
    """
    handle = open_lock(file)
    try:
        yield flock(handle, file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB, optional=optional)
    finally:
        os.close(handle)  # releases the lock; the empty file stays, because removing it would race


def open_lock(file: Path) -> int:
    """Opens a lock file, created if missing with the permissions that the umask leaves; returns its descriptor.

    The file may be another user's: to lock it, reading is enough. Raises StoreError if it cannot be opened.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            return os.open(file, os.O_RDWR | os.O_CREAT, 0o666)  # NFS locks only what is open for writing
        except PermissionError:
            if not file.exists():
                raise
            return os.open(file, os.O_RDONLY)
    except OSError as error:
        raise StoreError(
            f"{file}: cannot open this lock file ({error.strerror}); use a folder that you, and all who share it, can "
            "read and write"
        ) from error


def flock(handle: int, file: Path, operation: int, *, optional: bool = False) -> bool:
    """Locks the open `file`; returns False if another process holds it.

    Raises StoreError if the file system has no locks, unless they are `optional`.
    """
    try:
        fcntl.flock(handle, operation)
    except BlockingIOError:
        return False
    except OSError as error:
        if optional and error.errno in _NO_LOCKS:
            return True
        raise StoreError(
            f"{file.parent}: cannot lock files here ({error.strerror}), which is needed so that no two processes make "
            "the same thing; use a folder on a local disk, or a network file system mounted with locks"
        ) from error
    return True


class _Sure:
    """A file lock, which the kernel keeps while this process lives."""

    def confirm(self) -> None:
        return


@dataclass(frozen=True)
class _Session:
    """An advisory lock, which the server keeps while the connection lives."""

    connection: psycopg.Connection[tuple[object, ...]]
    key: str

    def confirm(self) -> None:
        import psycopg

        try:
            self.connection.execute("SELECT 1")
        except psycopg.Error as error:
            raise LeaseLost(
                f"the PostgreSQL connection that held the lease broke ({str(error).strip()}); another process may "
                "have started the same stage"
            ) from error


@dataclass(frozen=True)
class _Both:
    near: Lease
    far: Lease

    def confirm(self) -> None:
        self.near.confirm()
        self.far.confirm()


def _number(key: str) -> int:
    """Returns the 64-bit number of a key's PostgreSQL lock."""
    return int.from_bytes(hashlib.sha256(f"xtransfer lease {key}".encode()).digest()[:8], "big", signed=True)
