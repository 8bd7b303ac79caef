"""Gains over a baseline, and contrasts of two intermediates, per language and on means of languages.

Values of `language` that are not one:
  `mean-unseen`  mean over all languages but English, in which the target was trained on
  `mean-others`  the same without the languages that the intermediate (or either of two) was trained in
Value of `intermediate` that is not one: `any`, the mean over all intermediates, against the baseline.
Values of `encoder` that are not one: `NAME@*`, all encoders of that name (its seeds), pooled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pandas as pd

from xtransfer.analysis.bootstrap import RESAMPLES, Interval, intervals
from xtransfer.analysis.comparison import Comparison, Pairs, Run, compare
from xtransfer.analysis.points import Point, Result, load

if TYPE_CHECKING:
    from xtransfer.grid import Cell
    from xtransfer.store.artifacts import ArtifactStore

DIRECT, ANY = "direct", "any"
Arm = dict[Run, Result]  # one intermediate: its result in every run

COLUMNS = (
    "encoder", "first", "second", "target", "language", "value", "second_value", "difference", "low", "high",
    "p", "n_seeds", "n_encoders", "n_items", "covers", "excludes_zero", "degenerate", "missing",
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
    (all in points), p, n_seeds (paired runs), n_encoders, n_items (0: no points per item), covers (what the
    interval takes as random), excludes_zero, degenerate (cells left out because they learnt nothing, the
    baseline's included), missing (cells without scores). Rows of the baseline itself have no gain.
    `frame.attrs["excluded"]` lists every cell that was left out, with the reason.

    The interval is described in `xtransfer.analysis.bootstrap`: percentiles of a few resampled seeds would be
    too narrow, so seeds enter through Student's t.
    """
    grid = study_cells if isinstance(study_cells, Grid) else Grid(study_cells, store)
    rows: list[_Row] = []
    for block in grid.blocks():
        base = block.arms.get(baseline, {})
        others = {name: arm for name, arm in block.arms.items() if name != baseline}
        rows.append(_Row(block, baseline, None, _paired([base], base), [baseline]))
        if len(others) > 1:
            rows.append(_Row(block, ANY, baseline, _paired([*others.values()], base), [*block.arms]))
        for name, arm in others.items():
            rows.append(_Row(block, name, baseline, _paired([arm], base), [name, baseline]))
    frame = grid.table(rows, level, resamples, seed)
    names = {"first": "intermediate", "difference": "gain"}
    return frame.drop(columns=["second", "second_value"]).rename(columns=names)


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
    rows = [
        _Row(block, first, second, _paired([block.arms[first]], block.arms[second]), [first, second])
        for block in grid.blocks()
        for first, second in combinations(block.arms, 2)
    ]
    return grid.table(rows, level, resamples, seed)


@dataclass(frozen=True)
class _Block:
    """All cells of one target on one encoder, or on all encoders of a family."""

    encoder: str
    target: str
    arms: dict[str, Arm]  # by intermediate, in the order of the study; empty where nothing could be used
    pooled: bool
    degenerate: dict[str, int]  # cells left out, by intermediate
    missing: dict[str, int]


@dataclass(frozen=True)
class _Row:
    """A comparison of two conditions; without `second`, the values of one."""

    block: _Block
    first: str
    second: str | None
    pairs: Pairs
    involved: Sequence[str]  # intermediates whose left-out cells count here


class Grid:
    """A study's results, read once for all questions; degenerate and missing cells are counted, not used."""

    def __init__(self, cells: Iterable[Cell | Point], store: ArtifactStore) -> None:
        self.points = [cell if isinstance(cell, Point) else Point.of(cell) for cell in cells]
        results, missing = load(self.points, store)
        self.usable = {one.point: one for one in results if not one.degenerate}
        self.degenerate = {one.point: one.degenerate for one in results if one.degenerate}
        self.missing = dict.fromkeys(missing, "no scores")

    def blocks(self) -> Iterator[_Block]:
        groups: dict[tuple[str, str], list[Point]] = {}
        members: dict[str, set[str]] = {}
        for point in self.points:
            groups.setdefault((point.target, f"{point.family}@*"), []).append(point)
            groups.setdefault((point.target, point.encoder), []).append(point)
            members.setdefault(f"{point.family}@*", set()).add(point.encoder)
        for (target, encoder), points in groups.items():
            pooled = encoder in members
            if not pooled or len(members[encoder]) > 1:
                yield self._block(encoder, target, points, pooled)

    def _block(self, encoder: str, target: str, points: list[Point], pooled: bool) -> _Block:
        arms: dict[str, Arm] = {point.intermediate: {} for point in points}
        degenerate, missing = dict.fromkeys(arms, 0), dict.fromkeys(arms, 0)
        for point in points:
            degenerate[point.intermediate] += point in self.degenerate
            missing[point.intermediate] += point in self.missing
            if point in self.usable:
                arms[point.intermediate][point.encoder, point.seed] = self.usable[point]
        return _Block(encoder, target, arms, pooled, degenerate, missing)

    def table(self, rows: Sequence[_Row], level: float, resamples: int, seed: int) -> pd.DataFrame:
        made = [(row, one) for row in rows if (one := compare(row.pairs, pooled=row.block.pooled)) is not None]
        answers = intervals([one.differences for _, one in made], level=level, resamples=resamples, seed=seed)
        lines = [line for (row, one), answer in zip(made, answers, strict=True) for line in _lines(row, one, answer)]
        frame = pd.DataFrame(lines, columns=[*COLUMNS])
        frame.attrs["excluded"] = [
            {"encoder": point.encoder, "intermediate": point.intermediate, "target": point.target,
             "seed": point.seed, "reason": reason}
            for point, reason in (self.degenerate | self.missing).items()
        ]  # fmt: skip
        return frame


def _paired(arms: Sequence[Arm], base: Arm) -> Pairs:
    """Runs that the baseline and every arm with any result have in common."""
    present = [arm for arm in arms if arm]
    runs = [run for run in base if present and all(run in arm for arm in present)]
    return {run: [(arm[run], base[run]) for arm in present] for run in runs}


def _lines(row: _Row, one: Comparison, answer: Interval) -> Iterator[dict[str, Any]]:
    nothing = float("nan")
    for number, language in enumerate(one.columns):
        estimate = {
            "difference": nothing,
            "low": nothing,
            "high": nothing,
            "p": nothing,
            "excludes_zero": False,
        }
        if row.second is not None:
            low, high = float(answer.low[number]), float(answer.high[number])
            difference, p = float(answer.mean[number]), float(answer.p[number])
            excludes = low > 0 or high < 0
            estimate = {"difference": difference, "low": low, "high": high, "p": p, "excludes_zero": excludes}
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
            "covers": answer.covers.replace("runs", one.top),
            "degenerate": sum(row.block.degenerate.get(name, 0) for name in row.involved),
            "missing": sum(row.block.missing.get(name, 0) for name in row.involved),
        } | estimate
