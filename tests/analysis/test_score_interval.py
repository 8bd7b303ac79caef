"""The interval of one score: near the ends, with groups, and how often it is right."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from xtransfer.metrics.score_interval import score_intervals


def one(points: list[float], groups: list[int] | None = None) -> tuple[float, float]:
    low, high = score_intervals(
        np.zeros(len(points), int), np.asarray(groups or range(len(points))), np.asarray(points)
    )
    return float(low[0]), float(high[0])


def test_single_items_give_wilsons_interval_with_students_quantile() -> None:
    """p = 0.7 of 50 items; the variance has the divisor n-1, so that n* is 49."""
    low, high = one([100.0] * 35 + [0.0] * 15)
    square = stats.t.ppf(0.975, 49) ** 2
    p, size = 0.7, 49
    middle = (p + square / (2 * size)) / (1 + square / size)
    half = np.sqrt(square * p * (1 - p) / size + square**2 / (4 * size**2)) / (1 + square / size)
    assert (low, high) == pytest.approx((100 * (middle - half), 100 * (middle + half)), rel=1e-9)


def test_items_that_go_together_count_as_one() -> None:
    points = [100.0] * 60 + [0.0] * 40
    low, high = one(points)
    blocks_low, blocks_high = one(points, [number // 10 for number in range(100)])
    assert blocks_low < low < 60 < high < blocks_high


def test_the_ends_stay_within_the_scale() -> None:
    assert one([100.0] * 30)[1] == 100.0 and 80 < one([100.0] * 30)[0] < 95
    assert one([0.0] * 30)[0] == 0.0 and 5 < one([0.0] * 30)[1] < 20


def test_languages_are_apart_and_a_hole_leaves_one_without() -> None:
    languages, groups = np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 0, 0])
    low, high = score_intervals(languages, groups, np.array([100.0, 0.0, 100.0, np.nan, 100.0, 0.0]))
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [False, True, True]  # a NaN item; a single group
    assert score_intervals(np.empty(0, int), np.empty(0, int), np.empty(0))[0].size == 0


@pytest.mark.parametrize(("rate", "groups", "size", "alike"), [
    (0.5, 300, 1, 0.0), (0.95, 300, 1, 0.0), (0.8, 1000, 3, 0.0), (0.8, 100, 5, 0.3), (0.9, 60, 8, 0.5),
])  # fmt: skip
def test_95_of_100_intervals_hold_the_truth(rate: float, groups: int, size: int, alike: float) -> None:
    """A group's own rate is drawn from a beta distribution; `alike` is the correlation of its items."""
    draw = np.random.default_rng(0)
    tests = 2000
    strength = (1 - alike) / alike if alike else None
    rates = draw.beta(rate * strength, (1 - rate) * strength, (tests, groups, 1)) if strength else rate
    points = 100.0 * (draw.random((tests, groups, size)) < rates)
    languages, block = np.indices((tests, groups * size))
    low, high = score_intervals(languages.ravel(), block.ravel() // size, points.ravel())
    assert 0.935 <= np.mean((low <= 100 * rate) & (100 * rate <= high)) <= 0.965


def test_the_points_of_items_need_not_be_all_or_nothing() -> None:
    draw = np.random.default_rng(1)
    points = 100 * draw.beta(2, 1, (1000, 400))
    languages, items = np.indices(points.shape)
    low, high = score_intervals(languages.ravel(), items.ravel(), points.ravel())
    assert 0.93 <= np.mean((low <= 200 / 3) & (high >= 200 / 3)) <= 0.97
