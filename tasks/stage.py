"""The Prefect task that runs a stage. The store decides what is cached, Prefect shows it.

Prefect's own result cache is not used: the store knows more (a reference whose artifact is gone or damaged is no
hit), its lease dies with its holder, and a plan's finished stages cost no task run at all. Nor are its retries: the
loop that gives stages to slots tries again, so that a stage that waits for its next try takes no slot and no thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from tasks.runtime import RUNTIME
from tasks.stage_log import ProgressLog, library_logs
from xtransfer.base.errors import StageHeld
from xtransfer.base.stage import Stage


@task(name="stage", task_run_name="{stage.name}", cache_policy=NO_CACHE, persist_result=False)
def run_stage(stage: Stage, alone: bool = False) -> State[dict[str, Any]]:
    """Run `stage` in a process of its own, in the slot that was taken for it.

    Returns its key, its duration in seconds, whether it was there already (the state is then `Cached`), and whether
    another process makes it (the state is then `Elsewhere`: it has no result yet, and this is no failure).
    `alone`: nothing else can run beside it, so that it may use the threads of every slot.
    """
    runtime = RUNTIME.get()
    logger = get_run_logger()
    said = ProgressLog(logger)

    def progress(message: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None:
        runtime.listener.progressed(stage, message, done, total)
        said(message, done, total, metrics)

    slot = runtime.slot(stage)
    if alone:
        slot = replace(slot, threads=slot.threads * len(runtime.pool))
    runtime.listener.started(stage)
    with library_logs(logger):
        try:
            outcome = runtime.processes.run(stage, slot, progress, runtime.timeout(stage.kind))
        except StageHeld as held:
            return Completed(name="Elsewhere", message=str(held), data={"key": stage.key, "held": True})
    result = {"key": outcome.key, "seconds": outcome.seconds, "cached": outcome.cached, "held": False}
    return Completed(name="Cached" if outcome.cached else "Completed", data=result)
