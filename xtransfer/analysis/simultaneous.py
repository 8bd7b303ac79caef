"""Simultaneous intervals: all intervals of a family cover the truth together with the stated probability.

A study compares several intermediates with one baseline and with each other. Of ten without any effect, at least one
95% interval excludes zero in a third of studies (`perf.families`). Here all pointwise half-widths are multiplied by one
factor: the quantile of the family's largest deviation, in half-widths (max-T; Westfall & Young, "Resampling-Based
Multiple Testing", 1993). Items are the same for all comparisons of a draw. A few runs do not show their correlation, so
runs are drawn independently, which is conservative for two-sided intervals (Šidák 1967).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
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


Family = tuple[str, str, str, str]  # target, encoder, gains or contrasts, mean


def joined(
    answers: Sequence[Interval],
    families: Sequence[Mapping[int, Family]],
    largest: Mapping[Hashable, np.ndarray],
    level: float,
) -> dict[int, dict[int, Joint]]:
    """Returns place of a comparison → column → its interval among those of its family.

    `families` and `largest` are what `answered_together` took and gave.
    """
    members: dict[Family, list[tuple[int, int]]] = {}
    for number, own in enumerate(families):
        for column, family in own.items():
            members.setdefault(family, []).append((number, column))
    found: dict[int, dict[int, Joint]] = {}
    for family in members.keys() & largest.keys():
        places = members[family]
        held = simultaneous([(answers[number], column) for number, column in places], largest[family], level)
        for (number, column), joint in zip(places, held, strict=True):
            found.setdefault(number, {})[column] = joint
    return found


def simultaneous(members: Sequence[tuple[Interval, int]], largest: np.ndarray, level: float) -> list[Joint]:
    """Returns the joint interval of each member, an answer and its column; NaN if the spread of its runs is unknown.

    `largest` [resamples] is the family's largest deviation in half-widths (`answered_together`).
    """
    size = sum(not np.isnan(answer.p[column]) for answer, column in members)
    factor = max(1.0, float(np.quantile(largest, level)))
    return [_joint(answer, column, largest, factor, size) for answer, column in members]


def _joint(answer: Interval, column: int, largest: np.ndarray, factor: float, size: int) -> Joint:
    mean, low, high, p = (float(values[column]) for values in (answer.mean, answer.low, answer.high, answer.p))
    if np.isnan(p):
        return Joint(np.nan, np.nan, np.nan, size)
    below, above = mean - low, high - mean
    towards_zero = below if mean > 0 else above
    away = 0.0 if mean == 0 else abs(mean) / towards_zero if towards_zero > 0 else np.inf  # in half-widths
    beyond = float((1 + (largest >= away).sum()) / (len(largest) + 1))
    return Joint(mean - factor * below, mean + factor * above, max(beyond, p), size)
