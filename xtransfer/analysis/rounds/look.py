"""One look at the scores of intermediates that may have unequal numbers of runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from xtransfer.analysis.rounds.critical import spread
from xtransfer.analysis.variance import degrees


@dataclass(frozen=True)
class Look:
    """What the runs so far show of each pair of intermediates, in points; arrays are [arms, arms], row minus column.

    A pair without two runs in common is unknown: its difference is NaN and its half-width infinite.
    """

    effects: np.ndarray  # [arms] of the intermediates, up to a constant; NaN without a run
    difference: np.ndarray  # mean over the runs that both have
    half_width: np.ndarray  # of the interval of each at level α'
    of_runs: np.ndarray  # variance of `difference` by runs: what more runs would shrink
    of_items: np.ndarray  # and by test items
    runs: np.ndarray  # that both have
    degrees: int  # of freedom of what all intermediates share


def look(scores: np.ndarray, items: np.ndarray, item_degrees: np.ndarray, level: float, sides: int) -> Look:
    """Returns what scores show.

    Args:
        scores: [arms, runs] points; NaN where a run is missing. A constant of a run changes nothing.
        items: [arms, arms] variance of each difference by test items, in squared points.
        item_degrees: [arms, arms] degrees of freedom of that.
        level: α' (`level_of_each`).
        sides: as there.
    """
    effects, shared, of_shared = _fit(scores)
    difference = scores[:, None] - scores[None]
    both = ~np.isnan(difference)
    runs = both.sum(axis=2)
    apart = np.where(both, difference, 0.0)
    usable = np.maximum(runs, 1)
    means = apart.sum(axis=2) / usable
    squares = np.where(both, np.square(apart - means[:, :, None]), 0.0).sum(axis=2)
    of_runs = spread(np.full_like(means, shared), squares / np.maximum(runs - 1, 1)) / usable
    np.fill_diagonal(of_runs, 0.0)
    total = of_runs + items
    share = np.divide(of_runs, total, out=np.zeros_like(total), where=total > 0)
    freedom = degrees(share, of_shared + 1, item_degrees)
    half = special.stdtrit(freedom, 1 - level / sides) * np.sqrt(total)
    unknown = (runs < 2) | (of_shared < 1)
    np.fill_diagonal(unknown, False)
    return Look(effects, np.where(unknown, np.nan, means), np.where(unknown, np.inf, half), of_runs, items, runs,
                of_shared)  # fmt: skip


def _fit(scores: np.ndarray) -> tuple[np.ndarray, float, int]:
    """Returns effects of arms [arms], the variance of what remains, and its degrees of freedom, by least squares on
    arms and runs."""
    arm, run = np.nonzero(~np.isnan(scores))
    present, seen = np.unique(arm), np.unique(run)
    design = np.concatenate([arm[:, None] == present, run[:, None] == seen[1:]], axis=1).astype(float)
    values = scores[arm, run]
    found, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    effects = np.full(len(scores), np.nan)
    effects[present] = found[: len(present)]
    freedom = len(values) - int(rank)
    rest = float(np.square(values - design @ found).sum())
    return effects, rest / freedom if freedom else np.nan, freedom
