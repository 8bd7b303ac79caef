"""How strict each look at a study must be, so that all its looks together keep their level.

Without any difference between intermediates, a study that is looked at after three, four, five … runs shows one at some
look more often than a study that is looked at once. So each comparison of each look has a level α' of its own, the same
at all looks (as of Pocock, "Group sequential methods in the design and analysis of clinical trials", 1977), such that
any of them is wrong at any look with probability α.

The comparisons are those of one intermediate with each other one. For "which is the best?" it is the best one, which
nobody knows, and one-sided comparisons with it are enough: the best is ruled out, or the regret is underestimated, only
if one of them is wrong (Hsu, "Constrained simultaneous confidence intervals for multiple comparisons with the best",
1984). For "does each differ from English?" it is English, on two sides (Dunnett 1955).

α' is found by simulation where intermediates do not differ and runs vary alike: it is the α quantile of the smallest p
value over comparisons and looks. Test items are the same at every look, which makes looks more alike, and α' stricter
than it needs to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from xtransfer.study.rounds import FEWEST_RUNS, runs_of

if TYPE_CHECKING:
    from xtransfer.study.study import Study

_EACH = 6  # up to so many runs there is a look after each, beyond it after a quarter more
_STUDIES = 40_000  # simulated: an α' of 0.05 is known to 2%
_NUMBERS = 2_000_000  # in memory at a time


def looks(most: int) -> tuple[int, ...]:
    """Returns the numbers of runs after which a study of `most` runs is looked at: 3, 4, 5, 6, 8, 10, 12 …"""
    found, runs = [], FEWEST_RUNS
    while runs < most - runs // 8:
        found.append(runs)
        runs = runs + 1 if runs < _EACH else round(runs * 1.25)
    return (*found, most)


@lru_cache(maxsize=64)
def level_of_each(arms: int, at: tuple[int, ...], sides: int, alpha: float = 0.05) -> float:
    """Returns α', the probability that one comparison of one look is wrong.

    Args:
        arms: number of intermediates, one of which is compared with each other.
        at: numbers of runs after which there is a look.
        sides: 1 if only one direction of a comparison can be wrong, 2 if both can.
        alpha: probability that any of them is wrong.
    """
    rng = np.random.default_rng([arms, sides, *at])
    some = max(1, _NUMBERS // (arms * at[-1]))
    smallest = [_smallest_p(rng.standard_normal((min(some, _STUDIES - done), arms, at[-1])), at, sides)
                for done in range(0, _STUDIES, some)]  # fmt: skip
    return float(np.quantile(np.concatenate(smallest), alpha))


def level_of_looks(study: Study, level: float) -> float:
    """Returns the level that one interval needs at each look at a study, to hold at all of them with probability
    `level`."""
    return 1 - level_of_each(2, looks(len(runs_of(study))), 2, 1 - level)


def _smallest_p(scores: np.ndarray, at: Sequence[int], sides: int) -> np.ndarray:
    """Returns, per study, the smallest p value of the first intermediate over the others and looks.

    `scores`: [studies, arms, runs].
    """
    found = np.ones(len(scores))
    for runs in at:
        seen = scores[:, :, :runs]
        degrees = (seen.shape[1] - 1) * (runs - 1)
        rest = seen - seen.mean(axis=2, keepdims=True)
        rest -= rest.mean(axis=1, keepdims=True)
        shared = np.square(rest).sum(axis=(1, 2)) / degrees
        apart = seen[:, 1:] - seen[:, :1]
        variance = spread(shared[:, None], apart.var(axis=2, ddof=1)) / runs
        beyond = apart.mean(axis=2) / np.sqrt(variance)
        largest = (np.abs(beyond) if sides == 2 else beyond).max(axis=1)
        found = np.minimum(found, sides * special.stdtr(degrees, -largest))
    return found


def spread(shared: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Returns the variance between runs of a difference of two intermediates: twice what all intermediates share, or
    that of the two themselves where it is larger, so that an unstable intermediate counts as such."""
    return np.asarray(np.maximum(2 * shared, own))
