"""Runs any stages as Prefect tasks: gives them to free slots as their inputs appear, tells what became of each."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from prefect.futures import PrefectFuture

from tasks.runtime import LISTENER, RUNTIME, Nobody, Runtime
from tasks.stage import run_stage
from xtransfer.schedule import Schedule
from xtransfer.stages.isolated import StageProcesses
from xtransfer.stages.slots import slots
from xtransfer.stages.spec import Stage

MOST_SLOTS = 64  # threads of a flow's task runner

Done = Callable[[Stage], None]
Failed = Callable[[Stage, Sequence[Stage], str], None]  # the stage, those that can never run now, the reason


@contextmanager
def stage_runtime(store: str, workers: int | None) -> Iterator[Runtime]:
    """Processes and free slots of this machine for stages whose artifacts are in `store`; all ended on the way out."""
    with StageProcesses(store) as processes:
        yield Runtime(processes, slots(workers), LISTENER.get(Nobody()))


def run_stages(stages: Sequence[Stage], runtime: Runtime, done: Done, failed: Failed) -> None:
    """Run `stages`, inputs before what reads them, from within a flow; inputs that are not among them are stored.

    `done` and `failed` are called in this thread as each ends. A failure loses what depends on it and nothing else.
    """
    RUNTIME.set(runtime)
    schedule = Schedule(stages)
    ended: queue.SimpleQueue[tuple[Stage, PrefectFuture[Any]]] = queue.SimpleQueue()
    running = 0
    while True:
        while running < runtime.slots and (stage := schedule.take()) is not None:
            future = run_stage.submit(stage, alone=schedule.all_wait_for(stage.key))
            future.add_done_callback(partial(_end, ended, stage))
            running += 1
        if not running:
            return
        stage, future = ended.get()
        running -= 1
        error = _error(future)
        runtime.listener.finished(stage, error)
        if error is None:
            schedule.done(stage.key)
            done(stage)
        else:
            lost = schedule.failed(stage.key)
            for one in lost:
                runtime.listener.finished(one, None)  # the last words of the run name what this costs
            failed(stage, lost, error)


def _end(ended: queue.SimpleQueue[tuple[Stage, PrefectFuture[Any]]], stage: Stage, future: PrefectFuture[Any]) -> None:
    ended.put((stage, future))


def _error(future: PrefectFuture[Any]) -> str | None:
    """Why a task run did not complete, in a line, or None."""
    result = future.result(raise_on_failure=False)
    return str(result) or type(result).__name__ if isinstance(result, BaseException) else None
