"""A flow run holds a lock that dies with its process, so that a run whose process is gone can be told from one that is
slow. Prefect's own heartbeats miss runs that were killed before their first, and need minutes for the others."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from xtransfer.base.settings import current
from xtransfer.store.lease import flock
from xtransfer.store.manifest import host

_FOLDER = "prefect/runs"
_KEPT_SECONDS = 24 * 3600  # what is left of a run, where no service looks at it


def hold(flow: Any, flow_run: Any, state: Any) -> None:
    """Prefect's hook `on_running`: hold the lock of a flow run for as long as this process lives.

    Its file outlives a run that ends in whatever way: only the server knows whether the run had said how it ended.
    """
    folder = current().home / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    _tidy(current().home)
    file = folder / str(flow_run.id)
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)  # never closed: the kernel does, however we end
    flock(handle, file, fcntl.LOCK_EX)
    os.ftruncate(handle, 0)  # what an earlier try of this run left
    os.write(handle, json.dumps({"host": host(), "pid": os.getpid()}).encode())


def running(home: Path) -> list[str]:
    """Ids of the flow runs of this machine whose process is there."""
    return [file.name for file in _files(home) if not _is_free(file)]


def dead(home: Path) -> list[str]:
    """Ids of the flow runs of this machine whose process is gone, whether it had ended them or not."""
    return [file.name for file in _files(home) if _is_free(file)]


def forget(home: Path, run: str) -> None:
    """What a dead run left is dealt with."""
    (home / _FOLDER / run).unlink(missing_ok=True)


def _tidy(home: Path) -> None:
    """Remove what old runs left."""
    for file in _files(home):
        try:
            is_old = time.time() - file.stat().st_mtime > _KEPT_SECONDS
        except FileNotFoundError:  # the service, or another run, was faster
            continue
        if is_old and _is_free(file):
            file.unlink(missing_ok=True)


def _files(home: Path) -> list[Path]:
    folder = home / _FOLDER
    return [file for file in sorted(folder.iterdir()) if _here(file)] if folder.is_dir() else []


def _here(file: Path) -> bool:
    """Whether a run is one of this machine: locks of others are not to be trusted over a network."""
    try:
        return bool(json.loads(file.read_text())["host"] == host())
    except (OSError, ValueError, KeyError):  # it is being written or removed
        return False


def _is_free(file: Path) -> bool:
    try:
        handle = os.open(file, os.O_RDWR)
    except FileNotFoundError:  # it ended in this moment
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return file.exists()
