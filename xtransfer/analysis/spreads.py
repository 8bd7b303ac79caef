"""How far differences between intermediates vary, by runs and by test items, in all recorded studies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from xtransfer.analysis.grid import DIRECT, Grid, contrast_rows
from xtransfer.analysis.paired_difference import BUT_EN
from xtransfer.analysis.points import by_rounds, study_points
from xtransfer.results.database import Database
from xtransfer.results.read import study_names
from xtransfer.store.artifacts import ArtifactStore


@dataclass(frozen=True)
class Spread:
    """Variance of the difference of two intermediates on the mean over all languages but English, in squared points."""

    encoder: str
    target: str  # slug
    of_run: float  # of one run
    num_runs: int
    of_item: float  # of one test item: that of the mean difference by items, times their number; NaN if not known
    items: int


@dataclass(frozen=True)
class Pooled:
    """Variances pooled from several comparisons."""

    of_run: float
    of_item: float  # NaN if none knows its items
    degrees: int  # of freedom of `of_run`, as if comparisons with `direct` were independent
    comparisons: int


def spreads(db: Database, store: ArtifactStore) -> list[Spread]:
    """Returns the spread of every comparison with two runs or more, of several studies that have it the one with most.

    Where an encoder and target have comparisons with `direct`, others are left out, since they repeat the runs.
    """
    found: dict[tuple[str, ...], Spread] = {}
    for name in study_names(db):
        for place, one in _of_study(db, store, name):
            if place not in found or found[place].num_runs < one.num_runs:
                found[place] = one
    with_direct = {place[:2] for place in found if DIRECT in place}
    return [one for place, one in found.items() if DIRECT in place or place[:2] not in with_direct]


def pooled(found: Iterable[Spread]) -> Pooled | None:
    """Returns the variances of comparisons, weighted by degrees of freedom and by items; None for none."""
    several = list(found)
    if not several:
        return None
    freedom = np.array([one.num_runs - 1 for one in several])
    known = [one for one in several if not np.isnan(one.of_item)]
    of_item = np.average([one.of_item for one in known], weights=[one.items for one in known]) if known else np.nan
    of_run = float(np.average([one.of_run for one in several], weights=freedom))
    return Pooled(of_run, float(of_item), int(freedom.sum()), len(several))


def _of_study(db: Database, store: ArtifactStore, study: str) -> Iterator[tuple[tuple[str, ...], Spread]]:
    grid = Grid(study_points(db, study), store, by_rounds(db, study))
    rows = [row for row in contrast_rows(grid) if not row.block.pooled]
    for row, one in grid.compared(rows):
        variance = one.differences.variance
        if variance.num_runs < 2 or BUT_EN not in one.columns:
            continue
        column = one.columns.index(BUT_EN)
        items = one.num_items[column]
        known = items > 0 and bool(np.broadcast_to(variance.knows_items, variance.items.shape)[column])
        yield (
            (row.block.encoder, row.block.target, row.first, row.second or ""),
            Spread(
                row.block.encoder,
                row.block.target,
                float(variance.runs[column]) * variance.num_runs,
                variance.num_runs,
                float(variance.items[column]) * items if known else np.nan,
                items,
            ),
        )
