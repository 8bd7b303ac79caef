"""Gains over a baseline, and contrasts of two intermediates, per language and on means of languages.

Values of `language` that are not one:
  `mean-others`  mean over the languages that nothing was trained in: all but English and those of the intermediate
                 (or of either of two). None where the target was trained in every language (translate-train)
  `mean-but-en`  mean over all languages but English, the intermediate's own among them
  `family:NAME`, `script:NAME`  mean over the languages but English of a family or a script, where there are two at
                 least (and not all: that is `mean-but-en`)
Value of `intermediate` that is not one: `any`, the mean over all intermediates, against the baseline.
Values of `encoder` that are not one: `NAME@*`, the seeds of an encoder trained here, pooled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xtransfer.analysis.bootstrap import RESAMPLES, Counts, Interval, answered_together
from xtransfer.analysis.multiplicity import benjamini_hochberg, holm
from xtransfer.analysis.paired_difference import BUT_EN, OTHERS, Comparison, Pairs, Run, compare, is_language
from xtransfer.analysis.points import Point, Result, load
from xtransfer.analysis.rounds.critical import level_of_looks
from xtransfer.analysis.simultaneous import Family, Joint, joined
from xtransfer.analysis.verdict import COLUMNS as VERDICT
from xtransfer.analysis.verdict import NO_P, Verdict

if TYPE_CHECKING:
    from xtransfer.store.artifacts import ArtifactStore
    from xtransfer.study.cells import Cell
    from xtransfer.study.study import Study

DIRECT, ANY = "direct", "any"
Arm = dict[Run, Result]  # one intermediate: its result in every run

COLUMNS = (
    "encoder", "first", "second", "target", "language", "value", "second_value", "difference", "low", "high",
    "p", "p_holm", "p_bh", "joint_low", "joint_high", "p_joint", "n_seeds", "n_encoders", "n_items", *VERDICT,
    "degenerate", "missing",
)  # fmt: skip


def gains(
    study_cells: Grid | Iterable[Cell | Point],
    store: ArtifactStore,
    baseline: str = DIRECT,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """The gain of every intermediate over the baseline, paired by encoder, seed and item.

    Columns: encoder, intermediate, target, language, value (mean score of the paired runs), gain, low, high
    (all in points), p, p_holm and p_bh (over the languages of the comparison, English too; NaN on means), n_seeds
    (paired runs), n_encoders, n_items (0: no points per item), covers (what the interval takes as random), runs
    (what a run is), n_runs, n_planned (runs that the study has), verdict ("up", "down", "open", or "unknown" with its
    reason: see `xtransfer.analysis.verdict`; there is no p without a verdict), degenerate (cells left out because they
    learnt nothing, the baseline's included), missing (cells without scores). Rows of the baseline itself have no gain
    and no verdict. `frame.attrs["excluded"]` lists every cell that was
    left out, with the reason.

    """
    grid = study_cells if isinstance(study_cells, Grid) else Grid(study_cells, store)
    rows = gain_rows(grid, baseline)
    names = {"first": "intermediate", "difference": "gain"}
    return grid.table(rows, level, resamples, seed).drop(columns=["second", "second_value"]).rename(columns=names)


def contrasts(
    study_cells: Grid | Iterable[Cell | Point],
    store: ArtifactStore,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Every pair of intermediates (`direct` is one), first minus second, paired by encoder, seed and item.

    Columns as of `gains`, with first, second, value (of first), second_value and difference.
    """
    grid = study_cells if isinstance(study_cells, Grid) else Grid(study_cells, store)
    return grid.table(contrast_rows(grid), level, resamples, seed)


def gain_rows(grid: Grid, baseline: str) -> list[Row]:
    """Per target and encoder: the baseline's values, `any` against it where there are several, and each.

    Without a run of the baseline there is nothing to compare with: the values of each alone.
    """
    rows: list[Row] = []
    for block in grid.blocks():
        base = block.arms.get(baseline, {})
        others = {name: arm for name, arm in block.arms.items() if name != baseline}
        if not base:
            rows += [Row(block, name, None, _paired([arm], arm), [name]) for name, arm in others.items()]
            continue
        rows.append(Row(block, baseline, None, _paired([base], base), [baseline]))
        if len(others) > 1:
            rows.append(Row(block, ANY, baseline, _paired([*others.values()], base), [*block.arms]))
        for name, arm in others.items():
            rows.append(Row(block, name, baseline, _paired([arm], base), [name, baseline], "gains"))
    return rows


def contrast_rows(grid: Grid) -> list[Row]:
    """Every pair of intermediates, per target and encoder."""
    return [
        Row(
            block,
            first,
            second,
            _paired([block.arms[first]], block.arms[second]),
            [first, second],
            "gains" if DIRECT in (first, second) else "contrasts",
        )
        for block in grid.blocks()
        for first, second in combinations(block.arms, 2)
    ]


@dataclass(frozen=True)
class Block:
    """All cells of one target on one encoder, or on all encoders of a family."""

    encoder: str
    target: str
    arms: dict[str, Arm]  # by intermediate, in the order of the study; empty where nothing could be used
    pooled: bool
    degenerate: dict[str, int]  # cells left out, by intermediate
    missing: dict[str, int]
    planned: frozenset[Run]  # that the study has

    def num_planned(self, runs: str) -> int:
        """How many runs the study has: encoders, or seeds of its encoders."""
        return len({encoder for encoder, _ in self.planned} if runs == "encoders" else self.planned)


@dataclass(frozen=True)
class Row:
    """A comparison of two conditions; without `second`, the values of one."""

    block: Block
    first: str
    second: str | None
    pairs: Pairs
    involved: Sequence[str]  # intermediates whose left-out cells count here
    family: str = ""  # comparisons whose means hold together: "gains" or "contrasts"; "": stands alone

    def families(self, columns: Sequence[str]) -> dict[int, Family]:
        """Returns the family of each column that is a mean over languages: comparisons of one target and encoder."""
        if not self.family:
            return {}
        key = (self.block.target, self.block.encoder, self.family)
        return {place: (*key, name) for place, name in enumerate(columns) if name in (BUT_EN, OTHERS)}


class Grid:
    """A study's results, read once for all questions; degenerate and missing cells are counted, not used.

    What is compared and drawn for one question is kept for the others.
    """

    def __init__(self, cells: Iterable[Cell | Point], store: ArtifactStore, by_rounds: Study | None = None) -> None:
        """`by_rounds`: the study, if it is run by rounds; its intervals hold for all looks together."""
        self.by_rounds = by_rounds
        self.points = [cell if isinstance(cell, Point) else Point.of(cell) for cell in cells]
        self.store = store
        results, missing = load(self.points, store)
        self.usable = {one.point: one for one in results if not one.degenerate}
        self.degenerate = {one.point: one.degenerate for one in results if one.degenerate}
        self.missing = dict.fromkeys(missing, "no scores")
        self.num_without_items = sum(one.found is None for one in results)  # whose predictions are not in the store
        self._compared: dict[tuple[Any, ...], Comparison | None] = {}
        self._counts: dict[tuple[int, int], Counts] = {}

    def blocks(self) -> Iterator[Block]:
        groups: dict[tuple[str, str], list[Point]] = {}
        members: dict[str, set[str]] = {}
        for point in self.points:
            if point.pool:
                groups.setdefault((point.target, point.pool), []).append(point)
                members.setdefault(point.pool, set()).add(point.encoder)
            groups.setdefault((point.target, point.encoder), []).append(point)
        for (target, encoder), points in groups.items():
            pooled = encoder in members
            if not pooled or len(members[encoder]) > 1:
                yield self._block(encoder, target, points, pooled)

    def _block(self, encoder: str, target: str, points: list[Point], pooled: bool) -> Block:
        arms: dict[str, Arm] = {point.intermediate: {} for point in points}
        degenerate, missing = dict.fromkeys(arms, 0), dict.fromkeys(arms, 0)
        for point in points:
            degenerate[point.intermediate] += point in self.degenerate
            missing[point.intermediate] += point in self.missing
            if point in self.usable:
                arms[point.intermediate][point.encoder, point.seed] = self.usable[point]
        planned = frozenset((point.encoder, point.seed) for point in points)
        return Block(encoder, target, arms, pooled, degenerate, missing, planned)

    def table(self, rows: Sequence[Row], level: float, resamples: int, seed: int) -> pd.DataFrame:
        level = level_of_looks(self.by_rounds, level) if self.by_rounds else level
        made = self.compared(rows)
        families = [row.families(one.columns) for row, one in made]
        differences = [one.differences for _, one in made]
        answers, largest = answered_together(differences, self.counts(resamples, seed), level, families)
        joint = joined(answers, families, largest, level)
        lines = [
            line
            for number, ((row, one), answer) in enumerate(zip(made, answers, strict=True))
            for line in _lines(row, one, answer, joint.get(number, {}))
        ]
        frame = pd.DataFrame(lines, columns=[*COLUMNS])
        frame.attrs["excluded"] = [
            {"encoder": point.encoder, "intermediate": point.intermediate, "target": point.target,
             "seed": point.seed, "reason": reason}
            for point, reason in (self.degenerate | self.missing).items()
        ]  # fmt: skip
        return frame

    def compared(self, rows: Iterable[Row]) -> list[tuple[Row, Comparison]]:
        """The comparisons of the rows that have any run."""
        return [(row, one) for row in rows if (one := self.compare(row.pairs, pooled=row.block.pooled)) is not None]

    def compare(self, pairs: Pairs, *, pooled: bool, only: frozenset[str] | None = None) -> Comparison | None:
        """`xtransfer.analysis.paired_difference.compare`, once for the same pairs."""
        points = [(run, *(one.point for pair in paired for one in pair)) for run, paired in pairs.items()]
        key = (pooled, only, *points)
        if key not in self._compared:
            self._compared[key] = compare(pairs, pooled=pooled, only=only)
        return self._compared[key]

    def counts(self, resamples: int, seed: int) -> Counts:
        """Draws of items that all questions with these arguments share."""
        return self._counts.setdefault((resamples, seed), Counts(resamples, seed))


def _paired(arms: Sequence[Arm], base: Arm) -> Pairs:
    """Runs that the baseline and every arm with any result have in common."""
    present = [arm for arm in arms if arm]
    runs = [run for run in base if present and all(run in arm for arm in present)]
    return {run: [(arm[run], base[run]) for arm in present] for run in runs}


def _lines(row: Row, one: Comparison, answer: Interval, joint: Mapping[int, Joint]) -> Iterator[dict[str, Any]]:
    estimates = _estimates(answer, one.columns, known=row.second is not None)
    if two_runs := len(one.differences.means) == NO_P:
        estimates |= {name: [np.nan] * len(one.columns) for name in ("p", "p_holm", "p_bh")}
    for number, language in enumerate(one.columns):
        held = joint.get(number, Joint(np.nan, np.nan, np.nan, 0))
        verdict = _verdict(row, one, answer, number, held)
        yield {
            "encoder": row.block.encoder,
            "first": row.first,
            "second": row.second,
            "target": row.block.target,
            "language": language,
            "value": one.values[0][number],
            "second_value": one.values[1][number],
            "n_seeds": one.num_runs,
            "n_encoders": one.num_encoders,
            "n_items": one.num_items[number],
            **verdict.columns,
            "degenerate": sum(row.block.degenerate.get(name, 0) for name in row.involved),
            "missing": sum(row.block.missing.get(name, 0) for name in row.involved),
            "joint_low": held.low,
            "joint_high": held.high,
            "p_joint": np.nan if two_runs else held.p,
            **{name: values[number] for name, values in estimates.items()},
        }


def _verdict(row: Row, one: Comparison, answer: Interval, number: int, joint: Joint) -> Verdict:
    covers = one.covers(number) if answer.low[number] == answer.low[number] else "nothing"
    made_from = (covers, one.top, len(one.differences.means), row.block.num_planned(one.top))
    if row.second is None:
        return Verdict("", *made_from)
    if joint.size > 1:
        return Verdict.of(joint.low, joint.high, *made_from, joint.size)
    return Verdict.of(float(answer.low[number]), float(answer.high[number]), *made_from)


def _estimates(answer: Interval, columns: Sequence[str], *, known: bool) -> dict[str, list[Any]]:
    """What is said of a difference, per column; without one, NaN."""
    languages = np.array([is_language(column) for column in columns])
    values = {"difference": answer.mean, "low": answer.low, "high": answer.high, "p": answer.p}
    if not known:
        values = {name: np.full(len(columns), np.nan) for name in values}
    per_language = np.where(languages, values["p"], np.nan)
    values |= {"p_holm": holm(per_language), "p_bh": benjamini_hochberg(per_language)}
    return {name: one.tolist() for name, one in values.items()}
