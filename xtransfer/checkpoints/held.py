"""Whoever runs a checkpoint holds its name and loses it with its life: on this machine, and in PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from xtransfer.results.database import Database
from xtransfer.store.lease import lease_if_free


@contextmanager
def held_if_free(db: Database, home: Path, name: str) -> Iterator[bool]:
    """Hold `name` unless another process does; gives whether it is held. Nobody is waited for."""
    with lease_if_free(home / "leases" / f"{name}.lock") as here:
        if not here or db.engine.dialect.name != "postgresql":
            yield here
            return
        with _on_server(db, name) as everywhere:
            yield everywhere


@contextmanager
def _on_server(db: Database, name: str) -> Iterator[bool]:
    """An advisory lock of a connection, which PostgreSQL frees when the connection ends."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        got = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}))
        try:
            yield got
        finally:
            if got:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
