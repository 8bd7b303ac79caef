"""Our scores in the terms of a published figure: means over seeds per study, encoder, intermediate and target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

import pandas as pd
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from xtransfer import benchmarks
from xtransfer.analysis.statistic import Value
from xtransfer.analysis.totals import COLUMNS, totals
from xtransfer.base.errors import RequestError
from xtransfer.metrics.aggregate import SUITES, TOTAL
from xtransfer.recipes.recipe import Recipe
from xtransfer.results.published import Figure, Paper
from xtransfer.results.roles import TARGET
from xtransfer.results.schema import CellRow, CellStageRow, ScoreRow, StageRow, StudyCellRow
from xtransfer.study.stage_settings import TrainSettings
from xtransfer.study.study import Target

if TYPE_CHECKING:
    from xtransfer.analysis.results import Results

Values = Mapping[tuple[str, str], float]  # language, metric → points


@dataclass(frozen=True)
class Ours:
    """The runs of one target after one intermediate, which differ only in their seed."""

    study: str
    encoder: str
    intermediate: str
    target: Target
    runs: tuple[Values, ...]  # one per seed with usable scores
    num_lost: int  # degenerate, failed and planned cells
    recipe: Recipe | None  # of the target's last training; None if nothing is trained yet
    train_rows: int | None  # limit on the rows of the target's training

    def mean(self, languages: Sequence[str], metric: str) -> tuple[float | None, int]:
        """Returns the mean over languages, then over the seeds that have them all (None without any), and their
        number."""
        whole = [run for run in self.runs if all((code, metric) in run for code in languages)]
        means = [fmean(run[code, metric] for code in languages) for run in whole]
        return (fmean(means) if means else None), len(means)

    def lacks(self, languages: Sequence[str], metric: str) -> str:
        """Returns why there is no such mean."""
        if not self.runs:
            return "none of our runs learnt anything" if self.num_lost else "not run yet"
        metrics = sorted({name for run in self.runs for _, name in run})
        if metric not in metrics:
            return f"ours has no {metric} (known: {', '.join(metrics)})"
        return "ours lacks " + " ".join(code for code in languages if (code, metric) not in self.runs[0])


def ours_of(
    results: Results, names: Iterable[str], study: str | None, filters: Mapping[str, list[Value]]
) -> list[Ours]:
    """Returns all our runs on the benchmarks of these names. Filters: encoder, intermediate, seed."""
    wanted = set(names)
    with results.db.begin() as connection, Session(connection) as session:
        every = session.scalars(select(CellRow.target).distinct())
        targets = [slug for slug in every if Target.parse(slug).benchmark in wanted]
        cells = session.execute(_cells(targets, study, filters)).tuples().all()
        of_targets = select(CellRow.key).where(CellRow.target.in_(targets))
        scores = session.execute(
            select(ScoreRow.cell, ScoreRow.language, ScoreRow.metric, ScoreRow.value)
            .where(ScoreRow.cell.in_(of_targets))
        )  # fmt: skip
        held: dict[str, dict[tuple[str, str], float]] = {}
        for cell, language, metric, value in scores:
            held.setdefault(cell, {})[language, metric] = value
        trained = session.execute(
            select(CellStageRow.cell, StageRow.kind, StageRow.settings)
            .join(StageRow, StageRow.key == CellStageRow.stage)
            .where(CellStageRow.cell.in_(of_targets), CellStageRow.role == TARGET)
            .order_by(CellStageRow.phase, CellStageRow.language)
        )
        last = {row.cell: TrainSettings.of(row) for row in trained}
    groups: dict[tuple[str, str, str, str], list[CellRow]] = {}
    for of_study, row in cells:
        groups.setdefault((of_study, row.encoder, row.intermediate, row.target), []).append(row)
    return [_ours(place, rows, held, last) for place, rows in groups.items()]


def _cells(
    targets: Sequence[str], study: str | None, filters: Mapping[str, list[Value]]
) -> Select[tuple[str, CellRow]]:
    query = select(StudyCellRow.study, CellRow).join(CellRow, CellRow.key == StudyCellRow.cell)
    query = query.where(CellRow.target.in_(targets))
    if study:
        query = query.where(StudyCellRow.study == study)
    for name, values in filters.items():
        query = query.where(getattr(CellRow, name).in_(values))
    return query.order_by(StudyCellRow.study, CellRow.encoder, CellRow.intermediate, CellRow.target, CellRow.seed)


def _ours(
    place: tuple[str, str, str, str],
    rows: Sequence[CellRow],
    held: Mapping[str, Values],
    last: Mapping[str, TrainSettings | None],
) -> Ours:
    """Returns the runs of one place. `last`: cell → settings of its target's last training."""
    learnt = [row for row in rows if row.status == "done" and row.key in held]
    training = next((last[row.key] for row in rows if row.key in last), None)
    return Ours(
        study=place[0],
        encoder=place[1],
        intermediate=place[2],
        target=Target.parse(place[3]),
        runs=tuple(held[row.key] for row in learnt),
        num_lost=len(rows) - len(learnt),
        recipe=training.recipe if training is not None else None,
        train_rows=training.rows if training is not None else None,
    )


def names_of(paper: Paper, figure: Figure) -> tuple[str, ...]:
    """Returns our benchmarks with the same test rows as a figure's; empty if there are none."""
    if figure.benchmark not in benchmarks.BENCHMARKS:
        return ()
    member = SUITES[paper.suite].member(figure.benchmark) if paper.suite else None
    return (member.benchmark, *member.alike) if member else (figure.benchmark,)


def languages_of(paper: Paper, figure: Figure) -> tuple[str, ...]:
    """Returns the languages of a figure's mean: the suite's if it has a suite, else all of the benchmark's."""
    if figure.language:
        return (figure.language,)
    member = SUITES[paper.suite].member(figure.benchmark) if paper.suite else None
    return member.languages if member else benchmarks.get(figure.benchmark).languages


@dataclass(frozen=True)
class OurTotal:
    """The total or a group score of a suite, of one encoder after one intermediate in one study."""

    study: str
    encoder: str
    intermediate: str
    value: float | None
    num_seeds: int
    missing: str


def suite_totals(results: Results, suite: str, study: str | None, filters: Mapping[str, list[Value]]) -> pd.DataFrame:
    """Returns the scores of a suite and its groups; empty if there are none or a benchmark was run in two ways."""
    try:
        return totals(results, SUITES[suite], study, partial=False, each_seed=False, **filters)
    except RequestError:  # no cell of the suite, or one benchmark in two ways: there is no total
        return pd.DataFrame(columns=COLUMNS)


def our_totals(frame: pd.DataFrame, figure: Figure) -> list[OurTotal]:
    """Returns our counterparts of `figure` among the scores of its suite; for a gain, the gains over `direct`."""
    group = figure.benchmark.partition(":")[2]
    frame = frame[(frame["name"] == (group or TOTAL)) & (frame["scope"] == ("group" if group else TOTAL))]
    found = [
        OurTotal(row["study"], row["encoder"], row["intermediate"],
                 None if row["value"] != row["value"] else row["value"], row["n_seeds"], row["missing"])
        for row in frame.to_dict("records")
    ]  # fmt: skip
    return [gain for one in found if (gain := _gain(one, found))] if figure.metric == "gain" else found


def _gain(one: OurTotal, every: Sequence[OurTotal]) -> OurTotal | None:
    base = next((other for other in every if (other.study, other.encoder, other.intermediate)
                 == (one.study, one.encoder, "direct")), None)  # fmt: skip
    if base is None or one is base:
        return None
    both = one.value is not None and base.value is not None
    value = (one.value or 0.0) - (base.value or 0.0) if both else None
    return OurTotal(one.study, one.encoder, one.intermediate, value, min(one.num_seeds, base.num_seeds), one.missing)
