"""A flow run holds a lock that ends with its process, which tells a dead run from a slow one.

Prefect's own heartbeats miss runs that were killed before their first, and need minutes for the others.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from xtransfer.base.settings import current
from xtransfer.store.lease import flock
from xtransfer.store.manifest import host

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

_FOLDER = "prefect/runs"
_KEPT_SECONDS = 24 * 3600  # how long the file of a dead run is kept if no service handles it


def hold(flow: object, flow_run: FlowRun, state: object) -> None:
    """Prefect's hook `on_running`: hold the lock of a flow run for the life of this process.

    The file outlives the run, however it ends: only the server knows whether the run reported its end.
    """
    folder = current().home / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    _tidy(current().home)
    file = folder / str(flow_run.id)
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)  # never closed: the kernel does that, however we end
    flock(handle, file, fcntl.LOCK_EX)
    os.ftruncate(handle, 0)  # left by an earlier try of this run
    os.write(handle, json.dumps({"host": host(), "pid": os.getpid()}).encode())


def running(home: Path) -> list[str]:
    """Ids of the flow runs of this machine whose process is alive."""
    return [file.name for file in _files(home) if not _is_free(file)]


def dead(home: Path) -> list[str]:
    """Ids of the flow runs of this machine whose process is gone, whether or not it reported their end."""
    return [file.name for file in _files(home) if _is_free(file)]


def forget(home: Path, run: str) -> None:
    """Remove the file of a dead run."""
    (home / _FOLDER / run).unlink(missing_ok=True)


def _tidy(home: Path) -> None:
    """Remove files of old runs."""
    for file in _files(home):
        try:
            is_old = time.time() - file.stat().st_mtime > _KEPT_SECONDS
        except FileNotFoundError:  # the service or another run has removed it
            continue
        if is_old and _is_free(file):
            file.unlink(missing_ok=True)


def _files(home: Path) -> list[Path]:
    folder = home / _FOLDER
    return [file for file in sorted(folder.iterdir()) if _here(file)] if folder.is_dir() else []


def _here(file: Path) -> bool:
    """Whether a run is of this machine: locks of other machines are unreliable over a network."""
    try:
        return bool(json.loads(file.read_text())["host"] == host())
    except (OSError, ValueError, KeyError):  # it is being written or removed
        return False


def _is_free(file: Path) -> bool:
    try:
        handle = os.open(file, os.O_RDWR)
    except FileNotFoundError:  # it has just been removed
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return file.exists()
