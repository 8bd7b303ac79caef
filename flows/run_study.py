"""The flow that runs a study: plan, run what is missing, record, report."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from prefect import flow, get_run_logger
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from tasks.artifacts import publish_report
from tasks.runtime import LISTENER, RUNTIME, Nobody, Runtime
from tasks.stage import run_stage
from xtransfer import grid
from xtransfer.data.check import demand
from xtransfer.errors import XTransferError
from xtransfer.grid import Plan
from xtransfer.needs import Need
from xtransfer.results.database import Database, open_database
from xtransfer.results.write import record_cell, record_failure, record_study
from xtransfer.schedule import Schedule, needed
from xtransfer.settings import current
from xtransfer.stages.isolated import StageProcesses
from xtransfer.stages.slots import slots
from xtransfer.stages.spec import Stage
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study import Study

_MOST_SLOTS = 64


class StudyFailed(XTransferError):
    """Some cells of a study have no result; the others are recorded."""


@dataclass
class Summary:
    """How a run of a study went."""

    cells: int
    stages: int  # of the plan
    ran: list[str] = field(default_factory=list)  # names of the stages that ran
    failed: dict[str, str] = field(default_factory=dict)  # cell → reason
    report: str | None = None  # path of its page; None where it could not be written, for which the log has the reason


@flow(
    name="run-study",
    flow_run_name="{study.name}",
    task_runner=cast(TaskRunner[Any], ThreadPoolTaskRunner(max_workers=_MOST_SLOTS)),
    persist_result=False,
    validate_parameters=True,
)
def run_study(study: Study, workers: int | None = None) -> Summary:
    """Run what a study still needs, and record every cell.

    Args:
        study: the grid to run.
        workers: stages that run at the same time; empty: one per GPU, or one per CPU core up to eight.
    """
    settings = current().prepare()
    store = ArtifactStore(settings.store)
    logger = get_run_logger()
    plan = grid.plan(study)
    missing = needed(plan, lambda key: store.find(key) is not None)
    logger.info("%d cells, %d stages, %d of them to run", len(plan.cells), len(plan.stages), len(missing))
    demand(_scored(missing))  # before hours of training: labels that are hidden cannot be scored
    database = open_database(settings.database_url)
    record_study(database, plan)
    run = _Run(plan, store, database)
    with StageProcesses(settings.store) as processes:
        runtime = Runtime(processes, slots(workers), LISTENER.get(Nobody()))
        runtime.listener.planned(missing, len(plan.stages) - len(missing))
        RUNTIME.set(runtime)
        run.record_finished(missing)
        run.stages(missing, runtime)
    run.summary.report = _published(study.name, len(run.summary.ran))
    if run.summary.failed:
        raise StudyFailed(_failures(run.summary))
    return run.summary


def _published(study: str, ran: int) -> str | None:
    """Where the report is. Results are recorded by now: a report that fails is no reason to fail them."""
    page = publish_report(study, ran, return_state=True).result(raise_on_failure=False)
    if isinstance(page, BaseException):
        get_run_logger().warning("no report: %s", page)
        return None
    return str(page)


def _scored(stages: Sequence[Stage]) -> Iterator[Need]:
    """The rows that stages will score."""
    for stage in stages:
        if stage.kind == "score":
            settings = stage.settings
            yield from (Need(settings["benchmark"], settings["split"], code) for code in settings["languages"])


def _failures(summary: Summary) -> str:
    """Each reason once, with the cells that it cost."""
    cells: dict[str, list[str]] = {}
    for cell, reason in summary.failed.items():
        cells.setdefault(reason, []).append(cell)
    lines = [f"{len(summary.failed)} of {summary.cells} cells have no result:"]
    for reason, lost in cells.items():
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
        lines.append(f"  {reason}\n    costs {'; '.join(lost[:3])}{more}")
    return "\n".join(lines)


class _Run:
    """One pass over a plan: gives stages to free slots, records cells as their scores arrive."""

    def __init__(self, plan: Plan, store: ArtifactStore, database: Database) -> None:
        self.plan = plan
        self.store = store
        self.database = database
        self.summary = Summary(cells=len(plan.cells), stages=len(plan.stages))
        self._ended: queue.SimpleQueue[tuple[Stage, PrefectFuture[Any]]] = queue.SimpleQueue()

    def stages(self, missing: Sequence[Stage], runtime: Runtime) -> None:
        """Run `missing`; a failure loses what depends on it and nothing else."""
        schedule = Schedule(missing)
        running = 0
        while True:
            while running < runtime.slots and (stage := schedule.take()) is not None:
                future = run_stage.submit(stage, alone=schedule.all_wait_for(stage.key))
                future.add_done_callback(partial(self._end, stage))
                running += 1
            if not running:
                return
            stage, future = self._ended.get()
            running -= 1
            error = _error(future)
            runtime.listener.finished(stage, error)
            if error is None:
                self.summary.ran.append(stage.name)
                schedule.done(stage.key)
                self.record(stage.key)
            else:
                self.lose(stage, schedule.failed(stage.key), error, runtime)

    def _end(self, stage: Stage, future: PrefectFuture[Any]) -> None:
        self._ended.put((stage, future))

    def lose(self, stage: Stage, readers: Sequence[Stage], error: str, runtime: Runtime) -> None:
        """Record as failed every cell that needed `stage`."""
        lost = {stage.key, *(one.key for one in readers)}
        for one in readers:
            runtime.listener.finished(one, None)  # the study's last words name the cells that this costs
        for cell in self.plan.cells:
            if cell.score.key in lost:
                self.summary.failed[cell.slug] = error
                record_failure(self.database, self.plan.study.name, cell, error)

    def record(self, key: str) -> None:
        for cell in self.plan.cells:
            if cell.score.key == key:
                record_cell(self.database, self.plan.study.name, cell, self.store)

    def record_finished(self, missing: Sequence[Stage]) -> None:
        """Record the cells that are in the store already: a lost database fills again by itself."""
        to_run = {stage.key for stage in missing}
        for cell in self.plan.cells:
            if cell.score.key not in to_run:
                record_cell(self.database, self.plan.study.name, cell, self.store)


def _error(future: PrefectFuture[Any]) -> str | None:
    """Why a task run did not complete, in a line, or None."""
    result = future.result(raise_on_failure=False)
    return str(result) or type(result).__name__ if isinstance(result, BaseException) else None
