"""Everything that the report and the Prefect artifacts of a study show, computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from xtransfer.analysis import BUT_EN, OTHERS, Grid, by_rounds, is_language, statistics, study_points
from xtransfer.analysis.measures import measures
from xtransfer.analysis.points import ENGLISH
from xtransfer.analysis.rounds.of_grid import log
from xtransfer.analysis.rounds.tables import verdict
from xtransfer.analysis.statistic import Statistic
from xtransfer.analysis.statistics import CONTRASTS, GAINS, MODEL, POWER, RANKING
from xtransfer.analysis.verdict import Verdict
from xtransfer.base.words import counted
from xtransfer.report import tables
from xtransfer.report.answer import Answer, Overall, answers, overall
from xtransfer.report.model import Model, models
from xtransfer.report.provenance import Provenance, provenance
from xtransfer.report.summary import Line, RunGains, frame, run_gains, summarise
from xtransfer.results.database import Database

if TYPE_CHECKING:
    from xtransfer.store.artifacts import ArtifactStore

_ALPHA = 0.05
Gaps = dict[str, list[float]]  # intermediate → English minus the mean of the others, for each run


@dataclass(frozen=True)
class Certain:
    """How many gains in single languages have p < 0.05, before and after adjustment over the languages."""

    of: int
    unadjusted: int
    holm: int
    benjamini_hochberg: int
    unknown: dict[str, int]  # reason → number of gains with an unknown verdict
    without: int  # gains with an interval and without a p value: those of two runs


@dataclass(frozen=True)
class Findings:
    """The results of a study and their provenance."""

    facts: Provenance
    computed: dict[Statistic, pd.DataFrame]  # every registered statistic, in order
    answers: list[Answer]
    summary: list[Line]
    runs: RunGains
    gaps: dict[tuple[str, str], Gaps]  # (target, encoder) as in `gains`
    measures: pd.DataFrame  # of embedding spaces; empty if no target has any
    rounds: str = ""  # of a study that runs by rounds: what they have shown

    @property
    def overall(self) -> Overall | None:
        """What the study says as a whole; None where nothing is compared with `direct`."""
        return overall(self.answers)

    @property
    def headline(self) -> list[tables.Grid]:
        """The grids to show first: pooled encoders if there are any."""
        return list(tables.grids(tables.headline(self.gains)))

    @property
    def details(self) -> list[tables.Grid]:
        """The grids of the single encoders that the headline pools."""
        shown = {one.encoder for one in self.headline}
        return [one for one in tables.grids(self.gains) if one.encoder not in shown]

    @property
    def models(self) -> list[Model]:
        """The mixed-effects models, one per target."""
        return models(self.computed[MODEL])

    @property
    def gains(self) -> pd.DataFrame:
        return self.computed[GAINS]

    @property
    def contrasts(self) -> pd.DataFrame:
        return self.computed[CONTRASTS]

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """All frames by file name."""
        measured = {"measures": self.measures} if len(self.measures) else {}
        computed = {one.file_name: made for one, made in self.computed.items() if len(made) or one.filters}
        return {"summary": frame(self.summary)} | computed | measured

    @property
    def shown(self) -> dict[Statistic, pd.DataFrame]:
        """The non-empty tables of the statistics that have a title, as texts: only rows over means.

        Pooled encoders replace single ones if there are any.
        """
        texts = {one: one.table(_shown(frame)) for one, frame in self.computed.items() if one.title}
        return {one: table for one, table in texts.items() if len(table)}

    @property
    def verdicts(self) -> list[Verdict]:
        """The distinct verdicts on all gains and contrasts."""
        rows = [*self.gains.to_dict("records"), *self.contrasts.to_dict("records")]
        return list(dict.fromkeys(Verdict.read(row) for row in rows if row["verdict"]))

    @property
    def no_answer(self) -> str:
        """Returns why there is no answer, in a sentence; empty if there is one."""
        if self.answers:
            return ""
        if (self.gains["verdict"] != "").any():
            return "Nothing but English can be compared: no mean over other languages exists. The table has its gains."
        nothing = "No intermediate can be compared with direct"
        if not self.facts.left_out:
            return f"{nothing}."
        degenerate = sum(cell.status == "degenerate" for cell in self.facts.left_out)
        unscored = len(self.facts.left_out) - degenerate
        counts = [f"{counted(degenerate, 'cell')} learned nothing"] * bool(degenerate)
        counts += [f"{counted(unscored, 'cell')} without scores"] * bool(unscored)
        return f"{nothing}: {' and '.join(counts)}."

    def certain(self, grid: tables.Grid) -> Certain:
        """Returns how many gains of a grid in single languages have p < 0.05, before and after adjustment."""
        rows = self._rows(grid)
        languages = rows[rows["language"].map(is_language).astype(bool)]
        single = languages[languages["p"].notna()]
        holds, holm, bh = (int((single[name] < _ALPHA).sum()) for name in ("p", "p_holm", "p_bh"))
        reasons = languages[languages["verdict"] == "unknown"]["reason"].value_counts()
        without = int((languages["verdict"].isin(("up", "down", "open")) & languages["p"].isna()).sum())
        unknown = {str(reason): int(count) for reason, count in reasons.items()}
        return Certain(len(single), holds, holm, bh, unknown, without)

    def grouped(self, grid: tables.Grid) -> tables.Grid | None:
        """Returns the gains of a grid by family and script; None if no family or script has several languages."""
        return next(tables.grids(self._rows(grid), grouped=True), None)

    def rows_of(self, grid: tables.Grid) -> pd.DataFrame:
        """Returns the gains that a grid shows."""
        rows = self._rows(grid)
        return rows[rows["language"].isin(grid.columns)]

    def _rows(self, grid: tables.Grid) -> pd.DataFrame:
        return self.gains[(self.gains["target"] == grid.target) & (self.gains["encoder"] == grid.encoder)]


def find(study: str, db: Database, store: ArtifactStore) -> Findings:
    """Returns the findings of a study in the database. Raises RequestError if it has no such study."""
    facts = provenance(db, study)
    results = Grid(study_points(db, study), store, by_rounds(db, study))
    computed = {one: one.compute(results) for one in statistics.STATISTICS}
    gained, contrasted = (tables.headline(computed[one]) for one in (GAINS, CONTRASTS))
    runs = run_gains(results)
    return Findings(
        facts,
        computed,
        answers(gained, contrasted, computed[RANKING], computed[POWER]),
        summarise(gained, runs, results.points),
        runs,
        _gaps(results),
        measures(db, study),
        verdict(by_looks) if (by_looks := log(results)) else "",
    )


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of a statistic that the page shows."""
    if "encoder" in frame:
        frame = tables.headline(frame)
    return frame[frame["language"].isin([BUT_EN, OTHERS])] if "language" in frame else frame


def _gaps(results: Grid) -> dict[tuple[str, str], Gaps]:
    """Returns the transfer gaps per target and encoder, and per target and pooled encoders."""
    found: dict[tuple[str, str], Gaps] = {}
    for point in results.points:
        gap = _gap(results.usable[point].values) if point in results.usable else None
        if gap is not None:
            for encoder in filter(None, (point.encoder, point.pool)):
                found.setdefault((point.target, encoder), {}).setdefault(point.intermediate, []).append(gap)
    return found


def _gap(values: Mapping[str, float]) -> float | None:
    others: Sequence[float] = [value for language, value in values.items() if language != ENGLISH]
    return values[ENGLISH] - float(np.mean(others)) if ENGLISH in values and others else None
