"""The log of a task run: progress of its stage, and the library's own log lines."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from xtransfer.base.words import duration

_EVERY_SHARE = 0.1  # of the work: the number of lines does not grow with the number of steps
_SOONEST, _LATEST = 1.0, 600.0  # seconds between lines: few for short stages, one every ten minutes for long ones

Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]


class ProgressLog:
    """Logs a line for every tenth of each step of a stage: metrics, and the time left at the current pace."""

    def __init__(self, logger: Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._message = ""
        self._first = self._last = 0  # steps at the first and the last line
        self._began = self._said = 0.0

    def __call__(self, message: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None:
        now = self._clock()
        if message != self._message or done < self._last:  # another step, or the same one restarted
            self._message, self._first, self._began = message, done, now
        elif done < total and not self._due(done, total, now - self._said):
            return
        self._last, self._said = done, now
        numbers = "".join(f", {name} {value:.4g}" for name, value in (metrics or {}).items())
        self._logger.info("%s %d/%d%s%s", message, done, total, numbers, self._left(done, total, now))

    def _due(self, done: int, total: int, silent: float) -> bool:
        return silent >= _LATEST or (silent >= _SOONEST and done - self._last >= _EVERY_SHARE * total)

    def _left(self, done: int, total: int, now: float) -> str:
        if not self._first < done < total:
            return ""
        return f", about {duration((now - self._began) / (done - self._first) * (total - done))} left"


@contextmanager
def library_logs(logger: Logger) -> Iterator[None]:
    """Send what the library logs in this thread to the task run's log."""
    handler = _ToRun(logger)
    logging.getLogger("xtransfer").addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger("xtransfer").removeHandler(handler)


class _ToRun(logging.Handler):
    def __init__(self, logger: Logger) -> None:
        super().__init__()
        self._logger = logger
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:  # other threads run other stages
            self._logger.log(record.levelno, record.getMessage())
