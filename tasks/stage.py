"""The Prefect task that runs a stage. The store decides what is cached, Prefect shows it.

Prefect's own result cache is not used: the store knows more (a reference whose artifact is gone or damaged is no
hit), its lease dies with its holder, and a plan's finished stages cost no task run at all. Nor are its retries: the
loop that gives stages to slots tries again, so that a stage that waits for its next try takes no slot and no thread.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed

from tasks.runtime import RUNTIME
from xtransfer.errors import StageHeld
from xtransfer.stages.spec import Stage

_LOG_EVERY = 10  # per cent


@task(name="stage", task_run_name="{stage.name}", cache_policy=NO_CACHE, persist_result=False)
def run_stage(stage: Stage, alone: bool = False) -> State[dict[str, Any]]:
    """Run `stage` in a process of its own, in the slot that was taken for it.

    Returns its key, its duration in seconds, whether it was there already (the state is then `Cached`), and whether
    another process makes it (the state is then `Elsewhere`: it has no result yet, and this is no failure).
    `alone`: nothing else can run beside it, so that it may use the threads of every slot.
    """
    runtime = RUNTIME.get()
    logger = get_run_logger()
    logged = -_LOG_EVERY

    def progress(message: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None:
        nonlocal logged
        runtime.listener.progressed(stage, message, done, total)
        share = 100 * done // max(1, total)
        if share >= logged + _LOG_EVERY or done >= total:
            logged = share
            numbers = " ".join(f"{name} {value:.4g}" for name, value in (metrics or {}).items())
            logger.info("%s %d/%d %s", message, done, total, numbers)

    slot = runtime.slot(stage)
    if alone:
        slot = replace(slot, threads=slot.threads * len(runtime.pool))
    runtime.listener.started(stage)
    with _library_logs(logger):
        try:
            outcome = runtime.processes.run(stage, slot, progress, runtime.timeout(stage.kind))
        except StageHeld as held:
            return Completed(name="Elsewhere", message=str(held), data={"key": stage.key, "held": True})
    result = {"key": outcome.key, "seconds": outcome.seconds, "cached": outcome.cached, "held": False}
    return Completed(name="Cached" if outcome.cached else "Completed", data=result)


class _library_logs:  # noqa: N801 - reads as a context
    """Sends what the library logs in this thread's context to the task run's log."""

    def __init__(self, logger: Any) -> None:
        self._handler = _ToRun(logger)

    def __enter__(self) -> None:
        logging.getLogger("xtransfer").addHandler(self._handler)

    def __exit__(self, *exception: object) -> None:
        logging.getLogger("xtransfer").removeHandler(self._handler)


class _ToRun(logging.Handler):
    def __init__(self, logger: Any) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        self._logger.log(record.levelno, record.getMessage())
