"""The Prefect task that runs a stage. The store decides what is cached; Prefect shows it.

Prefect's result cache is not used: the store detects missing and damaged artifacts, its leases end with their holder,
and finished stages of a plan cost no task run. Prefect's retries are not used either: the scheduling loop retries, so a
stage that waits for its next try takes no slot and no thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypedDict

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from tasks.runtime import RUNTIME
from tasks.stage_log import ProgressLog, library_logs
from xtransfer.base.errors import StageHeld
from xtransfer.base.stage import Stage


class Ran(TypedDict):
    """How a stage ended."""

    key: str
    seconds: float
    cached: bool  # it was in the store already
    held: bool  # another process is making it: no result yet, and no failure


@task(name="stage", task_run_name="{stage.name}", cache_policy=NO_CACHE, persist_result=False)
def run_stage(stage: Stage, alone: bool = False) -> State[Ran]:
    """Run `stage` in its own process, in the slot taken for it.

    The state is named `Cached` if it was in the store already, and `Elsewhere` if another process is making it.
    `alone`: nothing else can run beside it, so it may use the threads of every slot.
    """
    runtime = RUNTIME.get()
    logger = get_run_logger()
    log = ProgressLog(logger)

    def progress(message: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None:
        runtime.listener.progressed(stage, message, done, total)
        log(message, done, total, metrics)

    slot = runtime.slot(stage)
    if alone:
        slot = replace(slot, threads=runtime.pool.threads)
    runtime.listener.started(stage)
    with library_logs(logger):
        try:
            outcome = runtime.processes.run(stage, slot, progress, runtime.timeout(stage.kind))
        except StageHeld as held:
            elsewhere = Ran(key=stage.key, seconds=0.0, cached=False, held=True)
            return Completed(name="Elsewhere", message=str(held), data=elsewhere)
    ran = Ran(key=outcome.key, seconds=outcome.seconds, cached=outcome.cached, held=False)
    return Completed(name="Cached" if outcome.cached else "Completed", data=ran)
