"""A lease on a stage key: one holder on this machine, and none once the holder is dead."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def lease(file: Path, waiting: Callable[[], None] | None = None, poll: float = 0.2) -> Iterator[None]:
    """Hold an exclusive lock on `file` (made if missing). The kernel frees it when the process dies.

    `waiting` is called at each poll while another process holds it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if waiting is not None:
                    waiting()
                time.sleep(poll)
                continue
            break
        yield
    finally:
        os.close(handle)  # closing frees the lock; the empty file stays, since removing it would race


@contextmanager
def lease_if_free(file: Path) -> Iterator[bool]:
    """Like `lease`, but without waiting: gives False where another process holds it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
