"""Runs stages as Prefect tasks: each starts on a free slot once its inputs are there, and its end is reported."""

from __future__ import annotations

import queue
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import cast

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.futures import PrefectFuture

from flows.ray_cluster import RayRuntime, is_ray
from tasks.progress_publisher import live
from tasks.runtime import LISTENER, RUNTIME, Cost, Everyone, Nobody, Runtime
from tasks.stage import Ran, run_stage
from xtransfer.base.errors import DeviceLost, StageError, StoreError
from xtransfer.base.retry import is_transient, pause
from xtransfer.base.stage import Stage
from xtransfer.planning.schedule import Schedule
from xtransfer.stages import by_kind
from xtransfer.stages.isolated import StageProcesses
from xtransfer.stages.slots import Pool, Slot, slots
from xtransfer.store.artifacts import ArtifactStore

_LOOK_SECONDS = 1.0  # between looks at the stages that were put aside

Future = PrefectFuture[State[Ran]]
Done = Callable[[Stage], None]
Failed = Callable[[Stage, Sequence[Stage], str], None]  # the stage, the stages that needed it, the reason


@contextmanager
def stage_runtime(
    store: str,
    workers: int | None,
    name: str,
    per_device: int | None = None,
    timeout_hours: Mapping[str, float] | None = None,
    devices_per_stage: int = 1,
) -> Iterator[Runtime | RayRuntime]:
    """Processes and slots of this machine for stages whose artifacts are in `store`, all ended on exit.
    In a flow whose tasks run on Ray, the capacity of its nodes.

    `name`: the study, or another title of the run, for the keys of its progress artifacts in Prefect.
    `timeout_hours`: time limits by kind of stage; `any` for all other kinds.
    """
    seconds = {kind: hours * 3600 for kind, hours in (timeout_hours or {}).items()}
    run = FlowRunContext.get()
    with live(name) as board:
        listener = Everyone(LISTENER.get(Nobody()), board)
        if run is not None and is_ray(run.task_runner):
            yield RayRuntime(store, workers, listener, seconds)
            return
        artifacts = ArtifactStore(store)
        with StageProcesses(store) as processes:
            pool = Pool(slots(workers, per_device, devices_per_stage))
            yield Runtime(processes, pool, listener, artifacts, seconds)
        artifacts.tidy()


def run_stages(
    stages: Sequence[Stage],
    runtime: Runtime | RayRuntime,
    done: Done,
    failed: Failed,
    plan: Sequence[Stage] | None = None,
    cost: Cost = by_kind,
) -> list[Stage]:
    """Run `stages` from within a flow, each after its inputs; inputs not among them are in the store.

    `done` and `failed` are called in this thread as each stage ends. A failure affects only the stages that depend on
    it. Temporary failures are retried; stages that another process is making are waited for while others run.
    `plan`: the whole plan of which `stages` are missing. `cost` returns the expected seconds of a stage. Returns the
    stages made here.
    """
    return _Loop(Schedule(stages, cost, runtime.size, plan), runtime, done, failed).run()


@dataclass(frozen=True)
class _Aside:
    """A stage that cannot run at the moment."""

    until: float  # on the monotonic clock, seconds
    held: bool = False  # another process is making it


class _Loop:
    """Runs some stages. Everything happens in the flow's thread; tasks report through a queue."""

    def __init__(self, schedule: Schedule, runtime: Runtime | RayRuntime, done: Done, failed: Failed) -> None:
        self.schedule = schedule
        self.runtime = runtime
        self.done, self.failed = done, failed
        self.made: list[Stage] = []
        self.log = get_run_logger()
        self._next: Stage | None = None  # waits for a slot: less urgent stages do not overtake it
        self._running: dict[str, Slot] = {}
        self._aside: dict[str, _Aside] = {}
        self._failures: Counter[str] = Counter()
        self._ended: queue.SimpleQueue[tuple[Stage, Future]] = queue.SimpleQueue()
        self._look_at = 0.0

    def run(self) -> list[Stage]:
        while True:
            self._start()
            if not self._running and not self._aside:
                return self.made
            try:
                stage, future = self._ended.get(timeout=_LOOK_SECONDS if self._aside else None)
            except queue.Empty:
                pass
            else:
                self._end(stage, future)
            if self._aside and time.monotonic() >= self._look_at:
                self._look()
                self._look_at = time.monotonic() + _LOOK_SECONDS

    def _start(self) -> None:
        """Start stages while there are ready ones and free slots."""
        while (stage := self._next or self.schedule.take()) is not None:
            self._next = None
            if self.runtime.store.find(stage.key) is not None:  # another run has made it
                self.runtime.listener.started(stage)
                self._finish(stage)
                continue
            try:
                slot = self.runtime.take(stage)
            except DeviceLost as error:
                self._lose(stage, error)
                continue
            if slot is None:
                self._next = stage
                return
            self._running[stage.key] = slot
            future = _submit(stage, self.schedule.runs_alone(stage.key), self.runtime)
            future.add_done_callback(partial(self._report, stage))

    def _report(self, stage: Stage, future: Future) -> None:
        self._ended.put((stage, future))

    def _end(self, stage: Stage, future: Future) -> None:
        slot = self._running.pop(stage.key)
        self.runtime.give_back(stage, slot)
        future.wait()  # with Ray, `result` alone would raise if the worker died
        result = cast("Ran | BaseException", future.result(raise_on_failure=False))  # which resolves the state
        if isinstance(result, DeviceLost):
            self.runtime.lose(slot)
        if isinstance(result, BaseException):
            self._fail(stage, result)
        elif result["held"]:
            self.runtime.listener.progressed(stage, "another process is computing it", 0, 1)
            self._aside[stage.key] = _Aside(time.monotonic() + _LOOK_SECONDS, held=True)
        else:
            if not result["cached"]:
                self.made.append(stage)
            self._finish(stage)

    def _fail(self, stage: Stage, error: BaseException) -> None:
        self._failures[stage.key] += 1
        tries = self._failures[stage.key]
        if not isinstance(error, StageError) or (wait := pause(error, tries)) is None:
            self._lose(stage, error)
            return
        self.log.warning("%s; retrying in %.0f s (%d of %d)", error, wait, tries, error.tries_more)
        self.runtime.listener.progressed(stage, f"waiting to retry: {error.reason}", 0, 1)
        self._aside[stage.key] = _Aside(time.monotonic() + wait)

    def _look(self) -> None:
        """Schedule again the stages put aside whose pause is over or whose holder has finished or died."""
        held = self._made_elsewhere()
        now = time.monotonic()
        for key, one in list(self._aside.items()):
            if one.until <= now and key not in held:
                del self._aside[key]
                self.schedule.again(key)  # if the holder has finished it, it costs no task: see _start

    def _made_elsewhere(self) -> set[str]:
        keys = {key for key, one in self._aside.items() if one.held}
        if not keys:
            return keys
        try:
            return self.runtime.store.made_elsewhere(keys)
        except StoreError as error:
            if not is_transient(error):
                raise
            self.log.warning("%s; asking again in a moment", error)
            return keys

    def _finish(self, stage: Stage) -> None:
        self.runtime.listener.finished(stage, None)
        self.schedule.done(stage.key)
        self.done(stage)

    def _lose(self, stage: Stage, error: BaseException) -> None:
        reason = str(error) or type(error).__name__
        self.log.error("failed for good: %s", reason)
        self.runtime.listener.finished(stage, reason)
        lost = self.schedule.failed(stage.key)
        for one in lost:
            self.runtime.listener.finished(one, None)  # the run's final error names what this costs
        self.failed(stage, lost, reason)


def _submit(stage: Stage, alone: bool, runtime: Runtime | RayRuntime) -> Future:
    if isinstance(runtime, RayRuntime):
        return runtime.submit(stage)
    RUNTIME.set(runtime)
    return run_stage.submit(stage, alone=alone)
