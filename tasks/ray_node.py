"""Runs a stage on a node of a Ray cluster, in its own process beside the Ray worker.

Ray assigns GPU and CPU cores to the worker and restarts a task when a node is lost; store and leases work as elsewhere.
"""

from __future__ import annotations

import os

from prefect.client.schemas.objects import State

from tasks.runtime import RUNTIME, Nobody, Runtime
from tasks.stage import Ran, run_stage
from xtransfer.base.digest import digest
from xtransfer.base.errors import RequestError
from xtransfer.base.settings import current
from xtransfer.base.stage import Stage
from xtransfer.stages.isolated import StageProcesses
from xtransfer.stages.slots import Pool, Slot
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.store.manifest import host


def fingerprint(store: str) -> str:
    """A digest of a store's address, which may hold a secret, for parameters that Ray and Prefect show."""
    return digest(store)[:12]


def run(stage: Stage, store: str, timeout: float | None = None) -> State[Ran]:
    """As `run_stage`, on the resources that Ray assigned; raises RequestError if this node has another store."""
    mine = current().prepare().store
    if fingerprint(mine) != store:
        raise RequestError(
            f"XTRANSFER_STORE on {host()} differs from the store of the run; "
            "start Ray on every node with the same XTRANSFER_ variables"
        )
    timeouts = {} if timeout is None else {"any": timeout}
    runtime = Runtime(_PROCESSES.get(mine), Pool([_slot()]), Nobody(), ArtifactStore(mine), timeouts)
    runtime.take(stage)
    RUNTIME.set(runtime)
    return run_stage.fn(stage)


def _slot() -> Slot:
    """The resources that Ray assigned to this task."""
    import ray

    threads = int(ray.get_runtime_context().get_assigned_resources().get("CPU", 1))
    return Slot("cuda:0" if ray.get_gpu_ids() else "cpu", max(1, threads))


class _Processes:
    """The stage server of this Ray worker, kept between tasks because its imports take seconds."""

    def __init__(self) -> None:
        self._gpus: str | None = None  # those that the server saw when it started
        self._processes: StageProcesses | None = None

    def get(self, store: str) -> StageProcesses:
        gpus = os.environ.get("CUDA_VISIBLE_DEVICES")
        if self._processes is not None and gpus != self._gpus:
            self._processes.close()
            self._processes = None
        if self._processes is None:
            self._gpus, self._processes = gpus, StageProcesses(store)
        return self._processes


_PROCESSES = _Processes()
