"""Intervals of a contrast: 15 languages of 5,010 shared items, 5 seeds, 10,000 resamples, from points per item.

The alternative is the paired bootstrap as usually written: a loop over resamples that draws seeds and items and takes
the mean, for all languages at once. It runs on a part of the resamples and is scaled up.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np

from perf.measure import Measure, paired, parser, show
from perf.simulated import Setting, differences
from xtransfer.analysis.bootstrap import RESAMPLES, intervals

LANGUAGES, ITEMS, SEEDS = 15, 5010, 5
GOAL = 5.0  # seconds on two cores
PART = 100  # the alternative runs 1 in 100 resamples and is scaled


def measure(quick: bool) -> list[Measure]:
    """One measure with items shared by all languages, one with separate items; quick: a tenth of the items."""
    items = ITEMS // 10 if quick else ITEMS
    rng = np.random.default_rng(0)
    shapes = {"shared items": True, "own items of each language": False}
    settings = {
        name: Setting("", items, LANGUAGES, shared, 1, 1.0, 1, SEEDS, "2", "weak") for name, shared in shapes.items()
    }
    grids = {name: differences(setting, rng) for name, setting in settings.items()}
    points = 100 * (rng.random((SEEDS, items, LANGUAGES)) < 0.1) - 100.0 * (rng.random((SEEDS, items, LANGUAGES)) < 0.1)

    def ours(name: str) -> float:
        start = perf_counter()
        intervals([grids[name]], resamples=RESAMPLES)
        return perf_counter() - start

    def other(name: str) -> float:
        start = perf_counter()
        means = [_resampled(points, rng, shared=shapes[name]) for _ in range(RESAMPLES // PART)]
        np.quantile(means, [0.025, 0.975], axis=0)
        return (perf_counter() - start) * PART

    ways = {name: (lambda name=name: ours(name), lambda name=name: other(name)) for name in shapes}
    found = paired(ways, pairs=1 if quick else 5)
    return [Measure(name, *seconds, under=None if quick else GOAL) for name, seconds in found.items()]


def _resampled(points: np.ndarray, rng: np.random.Generator, *, shared: bool) -> np.ndarray:
    """Means [languages] of points [seeds, items, languages] with seeds and items drawn with replacement."""
    seeds, items, languages = points.shape
    drawn = points[rng.integers(0, seeds, seeds)]
    if shared:
        return np.asarray(drawn[:, rng.integers(0, items, items)].mean(axis=(0, 1)))
    own = [drawn[:, rng.integers(0, items, items), language].mean() for language in range(languages)]
    return np.array(own)


if __name__ == "__main__":
    options = parser(__doc__ or "").parse_args()
    title = f"Intervals of a contrast (other: {RESAMPLES // PART} resamples, scaled to {RESAMPLES:,})"
    show(measure(options.quick), options, title)
