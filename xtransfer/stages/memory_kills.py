"""Detects processes that the kernel killed because memory ran out, and records them for the next attempt.

A killed process cannot report why. The kernel counts its out-of-memory kills on the whole machine; if the count has
risen, a killed stage is taken to be the reason. The number of such kills is kept in a stage's state folder for the next
attempt. Kills by hand are not counted: the next attempt repeats the same sums, bit for bit.
"""

from __future__ import annotations

import threading
from pathlib import Path

_COUNTS = Path("/proc/vmstat")
_FILE = "killed-for-memory"  # one byte per kill


class MemoryKills:
    """Compares the kernel's count with the kills that are accounted for. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known = counted()

    def one_more(self) -> bool:
        """Returns whether there was a kill that is not accounted for yet, and accounts for it."""
        with self._lock:
            is_new = counted() > self._known
            self._known += is_new
            return is_new


def counted() -> int:
    """Returns how many processes the kernel killed for lack of memory since it started; 0 if it does not report it."""
    try:
        lines = _COUNTS.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def note(state: Path) -> None:
    """Records an out-of-memory kill for the next attempt."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / _FILE).open("a") as file:
        file.write("x")


def noted(state: Path) -> int:
    """Returns how many earlier attempts were killed for lack of memory."""
    file = state / _FILE
    return file.stat().st_size if file.exists() else 0
