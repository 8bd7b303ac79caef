"""The interval of one score: how far the mean of one training run may move with other test items.

Items of a group (questions on one passage, pairs with one premise) belong together, so the variance is that of a
ratio of sums over groups, with the factor G/(G-1) (cluster-robust; Liang & Zeger, Biometrika 1986). It says how many
independent yes-or-no items the test set is worth: n* = p(1-p)/V, the effective sample size of Kish ("Survey
Sampling", 1965). The interval is Wilson's (JASA 1927) at that size, with Student's quantile of G-1 degrees of freedom
in the place of the normal one, as Korn & Graubard (Survey Methodology 1998) do for designs of few clusters: it stays
within 0 and 100 and covers near the ends, where p ± 2 standard errors does not. Where all groups agree nothing can
be estimated, and n* is the number of groups. Nothing is known from a single group.

Training seeds are not part of it: compare intermediates with `gains`, which is paired and knows seeds.
"""

from __future__ import annotations

import numpy as np
from scipy import special


def score_intervals(
    languages: np.ndarray, groups: np.ndarray, points: np.ndarray, *, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends in points, by language; NaN where a language has no items, a NaN item or one group.

    `languages` [items] are numbers from 0; `groups` [items] are numbers from 0, of which only those within a
    language matter; `points` [items] are 0 to 100.
    """
    if not len(languages):
        return np.empty(0), np.empty(0)
    width = int(groups.max()) + 1
    pairs, group = np.unique(languages.astype(np.int64) * width + groups, return_inverse=True)
    of = pairs // width  # the language of each group
    count = int(languages.max()) + 1
    sums, sizes = np.bincount(group, points / 100), np.bincount(group)
    items, num_groups = np.bincount(of, sizes, count), np.bincount(of, minlength=count)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.bincount(of, sums, count) / items
        spread = np.bincount(of, (sums - p[of] * sizes) ** 2, count)
        variance = num_groups / (num_groups - 1) * spread / items**2
        size = np.where(variance > 0, p * (1 - p) / variance, num_groups)
        low, high = _wilson(p, size, special.stdtrit(num_groups - 1, (1 + level) / 2))
    unknown = (num_groups < 2) | np.isnan(p)
    return np.where(unknown, np.nan, 100 * low), np.where(unknown, np.nan, 100 * high)


def _wilson(p: np.ndarray, size: np.ndarray, quantile: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    square = quantile**2 / size
    middle = (p + square / 2) / (1 + square)
    half = np.sqrt(square * p * (1 - p) + square**2 / 4) / (1 + square)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
