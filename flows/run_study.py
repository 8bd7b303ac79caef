"""The flow that runs a study: plan it, run missing stages, record cells, write the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from prefect import flow, get_run_logger

from flows.forms import Hours, Keep, OnDevice, Workers
from flows.run_lock import hold
from flows.stages import run_stages, stage_runtime
from tasks.artifacts import publish_report
from xtransfer.base.errors import RequestError, XTransferError
from xtransfer.base.hub import patient
from xtransfer.base.retry import is_transient
from xtransfer.base.settings import current
from xtransfer.base.stage import Stage
from xtransfer.data.check import demand
from xtransfer.data.need import Need
from xtransfer.planning import asked as planning
from xtransfer.planning.costs import Costs, finished
from xtransfer.planning.schedule import needed
from xtransfer.results.database import Database, open_database
from xtransfer.results.read import definition_of
from xtransfer.results.recorded import unrecordable, unrecorded
from xtransfer.results.scored_checkpoints import ScoredCheckpoints
from xtransfer.results.users import announce
from xtransfer.results.write import record_cell, record_failure, record_study
from xtransfer.stages.limits import check_timeouts
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.cells import Cell, Plan
from xtransfer.study.stage_settings import ScoreSettings
from xtransfer.study.study import Study

_PAUSES = (1.0, 5.0, 15.0, 60.0)  # seconds: enough for a restarting server


class StudyFailed(XTransferError):
    """Some cells of a study have no result; the others are recorded."""


@dataclass(frozen=True)
class Running:
    """How stages run: the arguments of `run_study`."""

    workers: Workers | None = None
    per_device: OnDevice | None = None
    timeout_hours: Hours | None = None
    devices_per_stage: OnDevice = 1
    keep: Keep = "all"


@dataclass
class Summary:
    """How a run of a study went."""

    cells: int
    stages: int  # of the plan
    ran: list[str] = field(default_factory=list)  # names of the stages that ran
    failed: dict[str, str] = field(default_factory=dict)  # cell → reason
    left_out: tuple[str, ...] = ()  # recorded parts of the study outside this run
    removed: tuple[int, ...] = ()  # bytes of each checkpoint that was removed once it was scored
    rounds: str = ""  # of a study by rounds: what they have shown, and why they ended
    report: str | None = None  # path of its page; None if it could not be written (the log says why)


@flow(
    name="run-study",
    flow_run_name="{study.name}",
    on_running=[hold],
    persist_result=False,
)
def run_study(
    study: Study,
    workers: Workers | None = None,
    per_device: OnDevice | None = None,
    timeout_hours: Hours | None = None,
    devices_per_stage: OnDevice = 1,
    keep: Keep = "all",
    budget: str | None = None,
) -> Summary:
    """Run the missing stages of a study, and record every cell.

    Args:
        study: the grid to run.
        workers: number of stages at the same time; empty: one per GPU, or one per CPU core up to eight.
        per_device: scoring and translating stages on one GPU; a training has its GPU to itself. Empty: one.
        timeout_hours: time limits in hours by kind of stage: translate, train, score ..., or any; empty: none.
        devices_per_stage: devices that train one model together, each on a part of every batch.
        keep: all: every checkpoint; scores: remove a checkpoint that only scores read, once they are stored.
        budget: of a study by rounds: a time, such as 4h, or a number of cells, such as 24cells; empty: no limit.
    """
    how = Running(workers, per_device, timeout_hours, devices_per_stage, keep)
    if study.rounds is not None:
        from flows.run_rounds import run_rounds

        return run_rounds(study, how, budget)
    if budget is not None:
        raise RequestError("budget: is for a study that runs by rounds (`xtransfer run STUDY --until decided`)")
    return run_cells(study, how)


def run_cells(study: Study, how: Running) -> Summary:
    """Run the missing stages of a study within a flow, and record every cell."""
    check_timeouts(how.timeout_hours or {})
    settings = current().prepare()
    store = ArtifactStore(settings.store)
    logger = get_run_logger()
    with open_database(settings.database_url) as database:
        asked = planning.plan(study, definition_of(database, study.name))
        plan = asked.plan
        store.expect(stage.key for stage in plan.stages)
        lost = unrecordable(database, study.name, plan.cells, store)
        missing = needed(plan, lambda key: key not in lost and store.find(key) is not None)
        logger.info("%d cells, %d stages, %d of them to run", len(plan.cells), len(plan.stages), len(missing))
        for gone in asked.left_out:
            logger.info("recorded, and not part of this run: %s", gone)
        if asked.unplanned:
            logger.warning("these stay as they are recorded, and cannot be planned now: %s", asked.unplanned)
        if missing:
            store.demand_writable()
        demand(_scored(missing))  # before hours of training: hidden labels cannot be scored
        limits = (how.workers, study.name, how.per_device, how.timeout_hours, how.devices_per_stage)
        with stage_runtime(settings.store, *limits) as runtime:
            announce(database, store)
            record_study(database, asked.whole, keep_others=bool(asked.unplanned))
            spare = ScoredCheckpoints(database, store, study.name, asked.whole.stages) if how.keep == "scores" else None
            run = _Run(plan, store, database, spare)
            cost = Costs(plan.stages, finished(database, runtime.device), runtime.size)
            runtime.listener.planned(missing, len(plan.stages) - len(missing), cost)
            run.record_finished(missing)
            made = run_stages(missing, runtime, run.done, run.failed, plan.stages, cost)
            run.summary.ran = [stage.name for stage in made]
            run.summary.left_out = asked.left_out
            run.summary.removed = tuple(spare.removed) if spare else ()
    run.summary.report = _published(study.name, len(run.summary.ran))
    if run.summary.failed:
        raise StudyFailed(_failures(run.summary))
    return run.summary


def _published(study: str, ran: int) -> str | None:
    """Path of the report; None if it failed, which must not fail the recorded results."""
    try:
        return str(publish_report(study, ran))
    except Exception as error:
        get_run_logger().warning("the report was not written: %s", error)
        return None


def _scored(stages: Sequence[Stage]) -> Iterator[Need]:
    """The rows that the stages will score."""
    for stage in stages:
        if (settings := ScoreSettings.of(stage)) is not None:
            yield from (Need(settings.benchmark, settings.split, code) for code in settings.languages)


def _failures(summary: Summary) -> str:
    """Each reason once, with the cells that it affects."""
    cells: dict[str, list[str]] = {}
    for cell, reason in summary.failed.items():
        cells.setdefault(reason, []).append(cell)
    lines = [f"{len(summary.failed)} of {summary.cells} cells have no result:"]
    for reason, lost in cells.items():
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
        lines.append(f"  {reason}\n    costs {'; '.join(lost[:3])}{more}")
    return "\n".join(lines)


class _Run:
    """One run of a plan: records cells as they are scored or fail."""

    def __init__(
        self, plan: Plan, store: ArtifactStore, database: Database, spare: ScoredCheckpoints | None = None
    ) -> None:
        self.plan = plan
        self.spare = spare
        self.store = store
        self.database = database
        self.summary = Summary(cells=len(plan.cells), stages=len(plan.stages))
        self._scored_by: dict[str, list[Cell]] = {}  # key of a score stage → its cells
        for cell in plan.cells:
            self._scored_by.setdefault(cell.score.key, []).append(cell)

    def done(self, stage: Stage) -> None:
        for cell in self._scored_by.get(stage.key, ()):
            self.record(cell)
        if self.spare is not None and stage.key in self._scored_by:
            self.spare.scored(stage)

    def failed(self, stage: Stage, readers: Sequence[Stage], error: str) -> None:
        """Record as failed every cell that needed `stage`."""
        for lost in (stage, *readers):
            for cell in self._scored_by.get(lost.key, ()):
                self.summary.failed[cell.slug] = error
                self._write(partial(record_failure, self.database, self.plan.study.name, cell, error))

    def record(self, cell: Cell) -> None:
        self._write(partial(record_cell, self.database, self.plan.study.name, cell, self.store))

    def _write(self, call: Callable[[], object]) -> None:
        """Call with retries, as a database may be away for a moment."""
        patient(call, is_transient, self.database.name, _PAUSES)

    def record_finished(self, missing: Sequence[Stage]) -> None:
        """Record the cells that are in the store already, which also refills a lost database."""
        to_run = {stage.key for stage in missing}
        finished = [cell for cell in self.plan.cells if cell.score.key not in to_run]
        for cell in unrecorded(self.database, self.plan.study.name, finished, self.store):
            self.record(cell)
