"""What `xtransfer serve` keeps running: a worker beside the server, and a check for dead runs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from flows.prefect_fixes.dead_runs import mark_dead, mark_never_begun, mark_stopped, watch_heartbeats
from flows.prefect_server import healthy
from flows.run_lock import running
from flows.serving.deploy import POOL, deploy
from flows.serving.worker import Worker
from xtransfer.base.digest import digest
from xtransfer.base.errors import SourceError
from xtransfer.store.manifest import host

_LOOK_EVERY = 1.0  # seconds
_MARK_EVERY = 10  # looks
_MOST_SILENCE = 6  # checks of the server without an answer: a busy machine may need a minute
_MOST_RESTARTS = 5  # of a worker that ends by itself without a quiet hour in between
_QUIET_SECONDS = 3600


class Service:
    """Deployments and worker of one home on a server that answers at `url`."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.url = url
        self.worker_name = f"{host()}-{digest(str(home))[:6]}"  # the same at each start: Prefect keeps every name
        self.restarts = 0
        self._stopping = False
        self._worker: Worker | None = None
        self._started = 0.0
        self._seen_dead: list[str] = []
        self._silence = 0

    def prepare(self, note: Callable[[str], None]) -> list[str]:
        """Create pool, deployments and automation, and mark runs of an earlier service; returns the deployments."""
        note("creating the deployments")
        names = deploy(self.home / "prefect" / "deployments.json")
        watch_heartbeats()
        note("looking for runs that were killed")
        mark_dead(self.home, mark_dead(self.home))
        mark_never_begun(POOL, self.worker_name)
        return names

    def start(self) -> None:
        self._started = time.monotonic()
        self._worker = Worker(POOL, self.worker_name, self.home / "prefect" / "worker.log")

    def keep(self) -> None:
        """Until SIGINT or SIGTERM, restart the worker when it ends, and mark dead runs.

        Raises SourceError if the worker keeps ending or the server has gone.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        looks = 0
        while not self._stopping:
            time.sleep(_LOOK_EVERY)
            looks += 1
            self._keep_worker()
            if looks % _MARK_EVERY == 0 and not self._stopping:
                self._look_at_server()

    def stop(self) -> None:
        """End the worker and its flow runs, and mark the runs; further signals are ignored."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        before = running(self.home)
        if self._worker is not None:
            self._worker.stop()
        if healthy(self.url):
            still = set(running(self.home))  # of `xtransfer run`, which ends by itself
            mark_stopped(self.home, [run for run in before if run not in still])
            mark_never_begun(POOL, self.worker_name)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _keep_worker(self) -> None:
        if self._stopping or self._worker is None or self._worker.is_alive():
            return
        if time.monotonic() - self._started > _QUIET_SECONDS:
            self.restarts = 0
        self.restarts += 1
        if self.restarts > _MOST_RESTARTS:
            raise SourceError(f"the worker ended {self.restarts} times; see {self._log('worker')}")
        self._worker.stop()
        self.start()

    def _look_at_server(self) -> None:
        if healthy(self.url):
            self._silence = 0
            self._seen_dead = mark_dead(self.home, self._seen_dead)
            return
        self._silence += 1
        if self._silence >= _MOST_SILENCE:
            raise SourceError(f"the Prefect server at {self.url} has gone; see {self._log('server')}")

    def _log(self, name: str) -> Path:
        return self.home / "prefect" / f"{name}.log"


def share_out(workers: int | None) -> None:
    """Set the number of stages at the same time for flow runs whose form does not set it."""
    if workers is not None:
        os.environ["XTRANSFER_WORKERS"] = str(workers)
