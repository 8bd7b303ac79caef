"""The smallest difference that a study can detect, and how many more runs would settle the observed one.

The variance of a mean difference over k runs is V(k) = V_runs·k₀/k + V_items, estimated at the present k₀ (see
`xtransfer.analysis.variance`): more runs shrink the first part, only more test items the second. The mean over its
standard error follows Student's t with `degrees` degrees of freedom, noncentral where there is a difference d; the
two-sided test at level 1 - α finds it with probability

    power(d) = P(|T'(degrees, d / sqrt(V(k)))| > t(1 - α/2, degrees))

(Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988, ch. 2; Julious, "Sample sizes for clinical
trials with normal data", 2004, for the noncentral t). The smallest detectable difference solves it for d; the number
of runs solves it for k, with d the observed difference.

Both are for planning. They treat the estimated variances, and the second also the difference, as the truth. A
variance from three runs is uncertain by a factor of several, and a difference picked for being large is probably
smaller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache

import numpy as np
import pandas as pd
from scipy import special

from xtransfer.analysis.grid import DIRECT, Grid, Row, contrast_rows, gain_rows
from xtransfer.analysis.paired_difference import BUT_EN, OTHERS, Comparison
from xtransfer.analysis.variance import NOTHING, Variance, degrees

COLUMNS = ("encoder", "first", "second", "target", "language", "difference", "runs", "n_runs", "se_runs", "se_items",
           "se", "detectable", "runs_needed", "advice")  # fmt: skip
EQUAL = "every run gave the same difference"
MOST_RUNS = 1000  # a difference that this many do not settle needs a larger test set
_INVERSE_DEGREES = np.linspace(0.0, 1.0, 201)
_NODES = 400  # quantiles of the distribution of a mean square


def power(grid: Grid, *, baseline: str = DIRECT, level: float = 0.95, power: float = 0.8) -> pd.DataFrame:
    """Returns standard errors, smallest detectable difference and runs needed for every gain and other contrast.

    Columns: encoder, first, second, target, language, difference (points), runs (what a run is: "seeds", or
    "encoders" where encoders are pooled), n_runs, se_runs, se_items, se (standard errors in points: the part that
    more runs would shrink, the rest, both), detectable (points: a true difference of this size is found with
    probability `power` at the present number of runs), runs_needed (to find the observed difference with that
    probability, if it is the true one; inf if `MOST_RUNS` are not enough), advice (in words). Formulas in
    `xtransfer.analysis.detectable`.

    On means over languages the level is that of the simultaneous intervals of a family, by Šidák's inequality. With a
    single run, numbers that need the spread between runs are NaN; so are the last two where nothing varies, in runs or
    items, since no study is exact. Without points per item, V_items is 0.
    """
    gains = [row for row in gain_rows(grid, baseline) if row.second is not None]
    others = [row for row in contrast_rows(grid) if baseline not in (row.first, row.second)]
    made = grid.compared([*gains, *others])
    families = Counter(_family(row) for row, one in made if row.family and one.differences.variance.num_runs > 1)
    lines = [line for row, one in made for line in _lines(row, one, level, families[_family(row)], power)]
    return pd.DataFrame(lines, columns=[*COLUMNS])


def _family(row: Row) -> tuple[str, str, str]:
    return row.block.target, row.block.encoder, row.family


def _lines(row: Row, one: Comparison, level: float, family: int, power: float) -> Iterator[dict[str, object]]:
    """Means of a family are found at the level that Šidák's inequality gives each of its members."""
    joint = level ** (1 / max(family, 1))
    alone, of_means = (list(_at(row, one, each, power)) for each in (level, joint))
    yield from (
        mean if line["language"] in (BUT_EN, OTHERS) else line for line, mean in zip(alone, of_means, strict=True)
    )


def _at(row: Row, one: Comparison, level: float, power: float) -> Iterator[dict[str, object]]:
    variance = one.differences.variance
    mean = one.differences.means.mean(axis=0)
    needed = runs_needed(mean, variance, level, power)
    of_items_alone = degrees(np.zeros_like(mean), MOST_RUNS, variance.item_degrees)
    limited = smallest(variance.items, of_items_alone, level, power) > np.abs(mean)  # for any number of runs
    of_runs, of_items = variance.num_runs > 1, variance.knows_items
    equal = of_runs & (variance.total <= NOTHING)
    found = smallest(variance.total, variance.degrees, level, power) if of_runs else needed
    numbers = {
        "difference": mean,
        "se_runs": np.sqrt(variance.runs) if of_runs else np.full_like(mean, np.nan),
        "se_items": np.where(of_items, np.sqrt(variance.items), np.nan),
        "se": np.sqrt(variance.total) if of_runs else np.full_like(mean, np.nan),
        "detectable": np.where(equal, np.nan, found),
        "runs_needed": np.where(equal, np.nan, needed),
    }
    for number, language in enumerate(one.columns):
        yield {
            "encoder": row.block.encoder,
            "first": row.first,
            "second": row.second,
            "target": row.block.target,
            "language": language,
            "runs": one.top,
            "n_runs": variance.num_runs,
            **{name: float(values[number]) for name, values in numbers.items()},
            "advice": EQUAL
            if equal[number]
            else _advice(float(needed[number]), bool(limited[number]), variance, one.top),
        }


def smallest(variance: np.ndarray, degrees_of_freedom: np.ndarray, level: float, power: float) -> np.ndarray:
    """Returns the smallest differences (points) found with probability `power`, for variances of the mean (squared
    points)."""
    sizes = np.interp(1 / degrees_of_freedom, _INVERSE_DEGREES, _noncentralities(level, power))
    return np.asarray(np.sqrt(variance) * sizes)


def runs_needed(difference: np.ndarray, variance: Variance, level: float, power: float) -> np.ndarray:
    """Returns how many runs find each difference (points) with probability `power`; inf if `MOST_RUNS` are not enough.

    NaN if the spread of runs is unknown.
    """
    if variance.num_runs < 2:
        return np.full_like(difference, np.nan)
    counts = np.arange(2, MOST_RUNS + 1)[:, None]
    runs = variance.runs * variance.num_runs / counts
    total = runs + variance.items
    share = np.divide(runs, total, out=np.zeros_like(total), where=total > 0)
    found = smallest(total, degrees(share, counts, variance.item_degrees), level, power) <= np.abs(difference)
    return np.where(found.any(axis=0), counts[0] + found.argmax(axis=0), np.inf)


@cache
def _noncentralities(level: float, power: float) -> np.ndarray:
    """Returns the ratio of difference to standard error that is found with probability `power`, per
    `_INVERSE_DEGREES`.

    Noncentral t is a normal over the root of a mean square; the probability is averaged over the latter.
    """
    limits = np.append(special.ndtri((1 + level) / 2), special.stdtrit(1 / _INVERSE_DEGREES[1:], (1 + level) / 2))
    squares = [np.ones(_NODES)] + [_mean_squares(1 / inverse) for inverse in _INVERSE_DEGREES[1:]]
    bounds = limits[:, None] * np.sqrt(squares)
    low, high = np.zeros(len(limits)), 4 * limits
    for _ in range(40):
        middle = (low + high) / 2
        found = special.ndtr(middle[:, None] - bounds) + special.ndtr(-middle[:, None] - bounds)
        enough = found.mean(axis=1) >= power
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


def _mean_squares(degrees_of_freedom: float) -> np.ndarray:
    """Returns evenly spaced quantiles of a mean square with these degrees of freedom and expectation 1."""
    quantiles = 2 * special.gammaincinv(degrees_of_freedom / 2, (np.arange(_NODES) + 0.5) / _NODES)
    return np.asarray(quantiles / degrees_of_freedom)


def _advice(needed: float, is_limited: bool, variance: Variance, runs: str) -> str:
    if np.isnan(needed):
        return f"add {runs}: the spread of a single run is unknown"
    if np.isinf(needed):
        if is_limited:
            return f"more {runs} will not help; this needs a larger test set"
        return f"over {MOST_RUNS:,} {runs}: the difference is very small"
    if needed <= variance.num_runs:
        return f"enough {runs}"
    more = round(needed) - variance.num_runs
    return f"{more} more {runs if more > 1 else runs.removesuffix('s')}"
