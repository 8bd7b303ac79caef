"""Turns errors of database drivers into messages that say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError

from sqlalchemy.exc import DatabaseError, OperationalError

from xtransfer.base.errors import RequestError, StoreError

BUSY_SECONDS = 60.0  # how long a writer waits for another; transactions here take milliseconds


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turns driver errors (damage, locks, full disk, lost server) into StoreError or RequestError."""
    try:
        yield
    except (UnicodeDecodeError, JSONDecodeError) as error:  # in the driver's message or a JSON column
        raise damaged(name, str(error)) from error
    except OverflowError as error:
        raise RequestError(f"{name}: {error}; numbers of a request go up to 2147483647") from error
    except (DatabaseError, sqlite3.DatabaseError) as error:
        reason = str(getattr(error, "orig", None) or error)
        lower = reason.lower()
        if "malformed" in lower or "not a database" in lower:
            raise damaged(name, reason) from error
        if "locked" in lower:
            raise StoreError(f"{name}: another program has held the database for {BUSY_SECONDS:.0f} s; "
                             "wait for it or stop it, then run again") from error  # fmt: skip
        if "full" in lower or "disk i/o" in lower:
            raise StoreError(f"{name}: {reason}; free some space and run again; nothing was half written") from error
        if "readonly" in lower or "unable to open" in lower:
            raise RequestError(
                f"{name}: not writable ({reason}); set XTRANSFER_DATABASE_URL to another database"
            ) from error
        if "connection option" in lower:  # of the URL
            raise RequestError(f"XTRANSFER_DATABASE_URL: {name}: {reason.strip()}") from error
        if "out of range" in lower:  # a number of a request: what is written is checked
            raise RequestError(f"{name}: {reason.strip()}; numbers of a request go up to 2147483647") from error
        if isinstance(error, OperationalError) and not lower.startswith("no such"):  # a table or column
            raise StoreError(f"{name}: {reason.strip()}") from error
        raise


def damaged(name: str, reason: str) -> StoreError:
    """Returns the error for a damaged database file."""
    reason = " ".join(reason.split())
    return StoreError(
        f"{name}: the database is damaged ({reason}). Nothing was changed. Restore a backup, or recover what "
        f"is readable with: sqlite3 '{name}' .recover | sqlite3 recovered.db; or move the file away and run the study "
        "again: finished stages are reused from the artifact store, and only the rows are written again"
    )
