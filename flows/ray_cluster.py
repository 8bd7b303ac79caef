"""A Ray cluster for the stages of one run: connects to it or starts one here, and reports its capacity."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from urllib.parse import urlsplit

from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture

from flows.prefect_app import LOOPBACK
from tasks.on_ray import run_stage_on_ray
from tasks.ray_node import fingerprint
from tasks.runtime import Listener, timeout
from tasks.stage import Ran
from xtransfer.base.errors import RequestError
from xtransfer.base.stage import Stage
from xtransfer.stages.slots import Slot
from xtransfer.store.artifacts import ArtifactStore

_ANSWER_SECONDS = 10


@contextmanager
def ray_cluster(address: str | None) -> Iterator[None]:
    """Connect to the cluster at `address` (HOST:PORT, or `auto`: that of this machine); None: start one here.

    Raises RequestError if Ray is not installed, no cluster answers, or its nodes cannot reach the Prefect server.
    """
    if find_spec("prefect_ray") is None:
        raise RequestError("--runner ray needs packages that are not installed: pip install 'xtransfer[ray]'")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no telemetry
    import ray

    _demand_an_answer(address)
    own = {"address": "local", "include_dashboard": False} if address is None else {"address": address}
    try:
        ray.init(**own, namespace="xtransfer", log_to_driver=False, logging_level=logging.WARNING)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise RequestError(f"--ray-address: no Ray cluster answers at {address} ({error})") from error
    try:
        _demand_a_server_in_reach()
        yield
    finally:
        ray.shutdown()


def is_ray(task_runner: object) -> bool:
    """Whether a flow's tasks go to Ray."""
    return type(task_runner).__module__.startswith("prefect_ray")


def room() -> tuple[int, dict[str, int]]:
    """The number of stages that the cluster can run now (at least 1), and the Ray resources to request for each.

    One GPU each with its share of the cores, or one core each without GPUs. Ray waits for a node with room.
    """
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    with_gpus = [node for node in nodes if node.get("GPU", 0) >= 1]
    if with_gpus:
        cores = min(int(node.get("CPU", 1) // node["GPU"]) for node in with_gpus)
        return sum(int(node["GPU"]) for node in with_gpus), {"num_gpus": 1, "num_cpus": max(1, cores)}
    return max(1, sum(int(node.get("CPU", 0)) for node in nodes)), {"num_cpus": 1}


def _demand_an_answer(address: str | None) -> None:
    """Raise RequestError if nothing answers; Ray itself would try for minutes and then end the process."""
    if address is None or address == "auto":
        return
    parts = urlsplit(address if "://" in address else f"ray://{address}")
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=_ANSWER_SECONDS).close()
    except (OSError, ValueError) as error:
        raise RequestError(f"--ray-address: no Ray cluster answers at {address} ({error})") from error


def _demand_a_server_in_reach() -> None:
    import ray

    server = urlsplit(os.environ.get("PREFECT_API_URL", "")).hostname
    machines = {node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
    others = machines - {ray.util.get_node_ip_address()}
    if server in LOOPBACK and others:
        raise RequestError(
            f"--ray-address: the nodes {', '.join(sorted(others))} cannot reach the Prefect server of this run, "
            "which listens on loopback; start a server that they can reach, and set PREFECT_API_URL"
        )


class RayRuntime:
    """The runtime of `run_stages` for a flow whose tasks run on Ray; each node has its own processes."""

    def __init__(self, store: str, workers: int | None, listener: Listener, timeouts: Mapping[str, float]) -> None:
        self.listener = listener
        self.store = ArtifactStore(store)
        self._timeouts = timeouts
        self._running = 0
        self._store = fingerprint(store)
        self._workers = workers

    device = "cpu"  # for estimates of time; which one each node has is not known here

    @property
    def size(self) -> int:
        """The number of stages at the same time, as the live nodes allow."""
        return min(self._workers or sys.maxsize, room()[0])

    def take(self, stage: Stage) -> Slot | None:
        """Room for a stage on a node that Ray chooses; None if there is none."""
        if self._running >= self.size:
            return None
        self._running += 1
        return Slot("ray", 1)

    def give_back(self, stage: Stage, slot: Slot) -> None:
        self._running -= 1

    def lose(self, slot: Slot) -> None:
        """Nothing to do: Ray tracks its devices itself."""

    def submit(self, stage: Stage) -> PrefectFuture[State[Ran]]:
        """Submit a stage to Ray. Its log goes to Prefect; the listener is told of start and end."""
        from prefect_ray.context import remote_options

        self.listener.started(stage)
        limit = timeout(self._timeouts, stage.kind)
        with remote_options(**room()[1]):
            return run_stage_on_ray.submit(stage, self._store, limit)
