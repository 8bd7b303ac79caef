"""Ends processes and all their descendants within a known time."""

from __future__ import annotations

import ctypes
import signal
import sys

import psutil

_PR_SET_CHILD_SUBREAPER = 36
_ROUNDS = 3  # a process may start another while it is being ended


def adopt_orphans() -> None:
    """Adopt descendants whose parent dies, so that none escapes `end_descendants`. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants(seconds: float) -> None:
    """End all descendants of this process: SIGTERM first, SIGKILL after `seconds`.

    Only children and grandchildren (a worker and its flow runs) get SIGTERM: a stage that ended before its flow would
    be recorded as failed.
    """
    for one in (asked := _down_to(2)):
        _send(one, signal.SIGTERM)
    psutil.wait_procs(asked, timeout=seconds)
    for _ in range(_ROUNDS):
        left = psutil.Process().children(recursive=True)
        for one in left:
            _send(one, signal.SIGKILL)
        psutil.wait_procs(left, timeout=seconds)


def _down_to(depth: int) -> list[psutil.Process]:
    found, parents = [], [psutil.Process()]
    for _ in range(depth):
        parents = [child for parent in parents for child in _children(parent)]
        found += parents
    return found


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = process.children()
    except psutil.NoSuchProcess:
        return []
    return found


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
