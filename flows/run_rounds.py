"""Runs a study by rounds: runs what the next look needs, looks, and goes on until its question is settled."""

from __future__ import annotations

import time
from dataclasses import replace

from prefect import Flow, flow, get_run_logger
from prefect.context import FlowRunContext

from flows.run_lock import hold
from flows.run_study import Running, Summary, run_cells
from tasks.runtime import TELL
from xtransfer.analysis import Grid, Point, study_points
from xtransfer.analysis.rounds.of_grid import Log, log
from xtransfer.analysis.rounds.tables import latest, verdict
from xtransfer.base.errors import RequestError
from xtransfer.base.settings import current
from xtransfer.base.stage import Stage
from xtransfer.base.words import listed
from xtransfer.planning import grid
from xtransfer.planning.budget import Budget, Spent
from xtransfer.planning.costs import Costs, finished
from xtransfer.planning.schedule import estimate, needed
from xtransfer.results.database import Database, open_database
from xtransfer.results.read import definition_of
from xtransfer.results.users import announce
from xtransfer.results.write import record_study
from xtransfer.stages.slots import slots
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.extents import extended, left_out, normal
from xtransfer.study.rounds import runs_of
from xtransfer.study.study import Study


def run_rounds(study: Study, how: Running, budget: str | None = None) -> Summary:
    """Run a study by rounds within a flow, each as a flow of its own.

    Raises RequestError if the study is recorded with another grid, or if the next round costs more than the budget.
    """
    limit = Budget.parse(budget) if budget else Budget()
    places = current().prepare()
    store = ArtifactStore(places.store)
    began, spent = time.monotonic(), Spent()
    whole = Summary(0, 0)
    with open_database(places.database_url) as database:
        announce(database, store)
        _demand_same_grid(study, database)
        found = _look(study, database, store)
        while found.waiting:
            number, part = len(found.rounds) + 1, _part(study, found.waiting)
            missing, cost = _cost(part, how, database, store)
            if said := limit.lacks(cost, replace(spent, seconds=time.monotonic() - began)):
                if not whole.cells and not found.rounds:
                    raise RequestError(f"budget {budget}: {said}; nothing was run")
                whole.rounds = f"The budget of {budget} ends this run: {said}. "
                break
            _record(study, database)
            before = found.last.runs if found.last is not None else (0,) * len(found.names)
            more = [name for name, now, was in zip(found.names, found.waiting, before, strict=True) if now > was]
            _say(f"round {number}: {max(found.waiting)} runs of {listed(more)}")
            summary = _where_this_runs(run_round)(part, number, how)
            done = [one for stage in missing if (one := store.find(stage.key)) is not None]
            spent += replace(cost, work=sum(one.manifest.seconds for one in done))
            whole.cells, whole.stages = whole.cells + summary.cells, whole.stages + summary.stages
            whole.ran += summary.ran
            whole.removed += summary.removed
            whole.report = summary.report
            found = _look(study, database, store)
            _say(f"  {latest(found)}")
        if not whole.cells:  # nothing had to run, as where other studies have made its stages
            _record(study, database)
            part = _part(study, found.rounds[-1].runs)
            whole.report = _where_this_runs(run_round)(part, len(found.rounds), how).report
    whole.rounds += verdict(found)
    get_run_logger().info(whole.rounds)
    return whole


@flow(name="run-round", flow_run_name="{study.name}, round {number}", on_running=[hold], persist_result=False)
def run_round(study: Study, number: int, how: Running) -> Summary:
    """Run the cells that the next look at a study needs.

    Args:
        study: the part of the grid to run.
        number: of the round.
        how: where and how stages run.
    """
    return run_cells(study, how)


def _where_this_runs(round_: Flow[..., Summary]) -> Flow[..., Summary]:
    """The flow of a round, whose tasks run where those of the present flow do: in threads here, or on Ray."""
    run = FlowRunContext.get()
    if run is None or run.flow is None:
        return round_
    return round_.with_options(task_runner=run.flow.task_runner.duplicate())


def _say(text: str) -> None:
    get_run_logger().info(text)
    if (tell := TELL.get(None)) is not None:
        tell(text)


def _record(study: Study, database: Database) -> None:
    """Record the whole grid, from which the rounds take their cells."""
    if definition_of(database, study.name) is None:
        record_study(database, grid.plan(study))


def _demand_same_grid(study: Study, database: Database) -> None:
    recorded = definition_of(database, study.name)
    if recorded is None:
        return
    whole = extended(recorded, study)
    old = Study.model_validate(normal(recorded))
    if left_out(whole, study) or left_out(whole, old) or old.languages != study.languages:
        raise RequestError(
            f"study '{study.name}' is recorded with another grid, and a study by rounds keeps the grid that it began "
            f"with, since its error rate depends on it: give this one another name (--set name={study.name}-2)"
        )


def _look(study: Study, database: Database, store: ArtifactStore) -> Log:
    recorded = definition_of(database, study.name) is not None
    points = study_points(database, study.name) if recorded else map(Point.of, grid.plan(study).cells)
    found = log(Grid(points, store, study))
    assert found is not None  # the study has rounds
    return found


def _part(study: Study, counts: tuple[int, ...]) -> Study:
    """The part of the grid with the most of these runs of each intermediate: what a look needs beyond earlier ones."""
    most = max(counts)
    runs = runs_of(study)[:most]
    chosen = {name: [value for run in runs for value in run.get(name, [])] for name in runs[0]}
    assert study.rounds is not None
    target = study.rounds.target_in(study)
    return study.model_copy(
        update={
            **{name: tuple(values) for name, values in chosen.items()},
            "intermediates": tuple(
                one for one, count in zip(study.intermediates, counts, strict=True) if count == most
            ),
            "targets": tuple(one for one in study.targets if one.slug == target),
        }
    )


def _cost(part: Study, how: Running, database: Database, store: ArtifactStore) -> tuple[list[Stage], Spent]:
    """The stages that a round lacks, and what they are expected to take."""
    plan = grid.plan(part)
    places = slots(how.workers, how.per_device, how.devices_per_stage)
    missing = needed(plan, lambda key: store.find(key) is not None)
    cost = Costs(plan.stages, finished(database, places[0].device), len(places))
    cells = sum(store.find(cell.score.key) is None for cell in plan.cells)
    return missing, Spent(estimate(missing, len(places), cost), sum(map(cost, missing)), cells)
