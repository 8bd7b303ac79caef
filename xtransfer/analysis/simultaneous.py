"""Intervals that hold together: the chance that any of a family misses the truth is that of a single interval.

A study compares several intermediates with one baseline, and with each other; of ten 95% intervals without any true
difference, one or more excludes zero in up to 40% of studies. Here the pointwise half-widths are all multiplied by one
factor, the quantile of the largest deviation of the family in half-widths, from draws in which items are the same for
all comparisons (max-T; Westfall & Young, "Resampling-Based Multiple Testing", 1993). How runs go together cannot be
seen in a few of them, so their parts are drawn independently, which for two-sided intervals errs on the safe side
(Šidák 1967).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xtransfer.analysis.bootstrap import Interval


@dataclass(frozen=True)
class Joint:
    """The interval of one member of a family, in points, and its p value adjusted for the others."""

    low: float
    high: float
    p: float
    size: int  # of the family


def simultaneous(members: Sequence[tuple[Interval, int]], level: float) -> list[Joint]:
    """Returns the joint interval of each member, an answer and its column; NaN where nothing is known of runs."""
    known = [not np.isnan(answer.p[column]) for answer, column in members]
    size = sum(known)
    largest = np.zeros(1)
    for (answer, column), one in zip(members, known, strict=True):
        if one:
            largest = np.maximum(largest, np.abs(answer.draws[column]))
    factor = max(1.0, float(np.quantile(largest, level)))
    found = []
    for (answer, column), one in zip(members, known, strict=True):
        mean, low, high = (float(values[column]) for values in (answer.mean, answer.low, answer.high))
        if not one:
            found.append(Joint(np.nan, np.nan, np.nan, size))
            continue
        away = mean / (mean - low) if mean > 0 and low < mean else -mean / (high - mean) if high > mean else np.inf
        seen = 0.0 if mean == 0 else away
        p = (1 + (largest >= seen).sum()) / (len(largest) + 1)
        found.append(Joint(mean + factor * (low - mean), mean + factor * (high - mean),
                           max(float(p), float(answer.p[column])), size))  # fmt: skip
    return found
