"""Runs one Prefect worker: `python -m flows.serving.worker POOL NAME`.

It owns the worker's process (flows.serving.pool_worker) and all that the worker starts. When its standard input closes
(its owner is done or was killed) or the worker ends, it ends every flow run and stage. Prefect's worker alone was seen
alive eight minutes after SIGTERM, and its flow runs outlive it when it is killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import flows
from flows.serving.processes import adopt_orphans, end_descendants

POOL_WORKER = "flows.serving.pool_worker"
_END_SECONDS = 5.0
_SETTINGS = {"PREFECT_WORKER_QUERY_SECONDS": "2"}  # seconds; a user who pressed a button is waiting


class Worker:
    """A worker in its own processes; `stop` ends them all, as does the end of this process."""

    def __init__(self, pool: str, name: str, log: Path) -> None:
        self._out: IO[bytes] = log.open("ab")
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "flows.serving.worker", pool, name],
            env={**os.environ, **_SETTINGS, "PYTHONPATH": _search_path()},
            stdin=subprocess.PIPE,
            stdout=self._out,
            stderr=self._out,
            start_new_session=True,  # this process handles Ctrl-C
        )

    def is_alive(self) -> bool:
        return self._keeper.poll() is None

    def stop(self) -> None:
        """End the worker, its flow runs and their stages."""
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        try:
            self._keeper.wait(timeout=8 * _END_SECONDS)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
        self._out.close()


def _search_path() -> str:
    """PYTHONPATH of flow runs, with this package if it is not installed, as in a clone."""
    root = str(Path(flows.__file__).parents[1])
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return os.pathsep.join(paths if root in paths or Path(root).name == "site-packages" else [root, *paths])


def main(pool: str, name: str) -> int:
    """Run the worker until it or the owner ends; returns the worker's exit status."""
    signal.signal(signal.SIGTERM, lambda *_: end_descendants(_END_SECONDS))
    adopt_orphans()
    worker = subprocess.Popen([sys.executable, "-m", POOL_WORKER, pool, name], stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_owner, daemon=True).start()
    status = worker.wait()
    end_descendants(_END_SECONDS)  # flow runs have their own sessions and outlive a killed worker
    return status


def _end_with_owner() -> None:
    os.read(sys.stdin.fileno(), 1)
    end_descendants(_END_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
