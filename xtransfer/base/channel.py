"""Messages from a child process to the process that started it: log lines, progress, and how its work ended."""

from __future__ import annotations

import logging
import os
import pickle
import threading
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection, wait
from typing import Any

from xtransfer.base.stage import Progress

log = logging.getLogger(__name__)


class Channel:
    """The child's end. Several threads may send."""

    def __init__(self, connection: Connection, seconds_between_progress: float = 0.0) -> None:
        self._connection, self._between = connection, seconds_between_progress
        self._lock = threading.Lock()
        self._last = 0.0

    def send(self, what: str, value: object) -> None:
        """Sends a pair that can be pickled."""
        with self._lock:
            self._connection.send_bytes(pickle.dumps((what, value)))

    def progress(self, message: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None:
        """A `Progress`. Reports that follow the last one too soon are dropped, except for the final one."""
        now = time.monotonic()
        if done < total and now - self._last < self._between:
            return
        self._last = now
        self.send("progress", (message, done, total, dict(metrics or {})))

    def forward_logs(self, level: int) -> None:
        """Sends all log records from `level` on to the owner, and nowhere else."""
        logging.basicConfig(level=level, handlers=[_Forward(self)], force=True)


class _Forward(logging.Handler):
    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        self._channel.send("log", (record.levelno, self.format(record)))


def receive(connection: Connection, progress: Progress) -> tuple[str, Any]:  # Any: whatever the child sent
    """Returns the child's next message; logs and progress reports are passed on as well.

    Raises EOFError once the child has closed its end or died.
    """
    try:
        what, value = pickle.loads(connection.recv_bytes())  # noqa: S301 - from a process that we started
    except OSError as error:  # it died within a message
        raise EOFError(str(error)) from error
    if what == "progress":
        progress(*value)
    elif what == "log":
        log.log(*value)
    return what, value


def end_with_owner(handle: int) -> None:
    """Ends this process as soon as `handle` becomes readable: a pipe that the owner holds open, or its sentinel."""

    def watch() -> None:
        wait([handle])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
