"""Processes that the kernel killed for want of memory: seen from outside, and told to the next try.

A killed process learns nothing. The kernel counts the processes that it killed for want of memory, on the whole
machine; one more since the last look is taken for the stage that was killed. How often that was lies in a stage's state
folder, where the next try finds it. A kill by hand is not counted: the try after it repeats the same sums to the bit.
"""

from __future__ import annotations

import threading
from pathlib import Path

_COUNTS = Path("/proc/vmstat")
_FILE = "killed-for-memory"  # so many bytes


class MemoryKills:
    """The kernel's count, compared with what is known of it. Threads may share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known = counted()

    def one_more(self) -> bool:
        """Whether there was one of which nobody was told."""
        with self._lock:
            is_new = counted() > self._known
            self._known += is_new
            return is_new


def counted() -> int:
    """Processes that the kernel killed for want of memory since it started; 0 where it does not say."""
    try:
        lines = _COUNTS.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def note(state: Path) -> None:
    """Leave for the next try that this one was killed for want of memory."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / _FILE).open("a") as file:
        file.write("x")


def noted(state: Path) -> int:
    """How many tries before were killed for want of memory."""
    file = state / _FILE
    return file.stat().st_size if file.exists() else 0
