"""Intervals: exact where that can be computed by hand, and covering as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from xtransfer.analysis.bootstrap import Differences, intervals


def differences(points: np.ndarray) -> Differences:
    """Of item differences [runs, items], every item a group, one column."""
    means = points.mean(axis=1, keepdims=True)
    return Differences(means, {"items": ((points - means) / points.shape[1])[:, :, None]})


def test_runs_alone_give_students_interval() -> None:
    means = np.array([[1.0], [2.0], [4.0]])
    found = intervals([Differences(means, None)])[0]
    half = stats.t.ppf(0.975, 2) * means.std(ddof=1) / np.sqrt(3)
    assert found.covers == "runs"
    assert found.mean[0] == pytest.approx(7 / 3)
    assert found.high[0] - found.mean[0] == pytest.approx(half, rel=0.002)
    assert found.mean[0] - found.low[0] == pytest.approx(half, rel=0.002)


def test_items_alone_give_the_usual_bootstrap_interval() -> None:
    points = np.random.default_rng(0).choice([-100.0, 0.0, 100.0], size=(1, 400), p=[0.1, 0.6, 0.3])
    found = intervals([differences(points)])[0]
    half = 1.96 * points.std(ddof=1) / np.sqrt(400)
    assert found.covers == "items"
    assert found.high[0] - found.low[0] == pytest.approx(2 * half, rel=0.05)


def test_noise_that_runs_and_items_share_counts_once() -> None:
    """Pure noise in 20 runs × 500 items: the variance of the mean is that of 10,000 independent numbers."""
    rng = np.random.default_rng(1)
    found = intervals([differences(rng.normal(0, 10, (20, 500))) for _ in range(30)], resamples=1000)
    width = np.mean([one.high[0] - one.low[0] for one in found])
    assert width == pytest.approx(2 * stats.t.ppf(0.975, 19) * 10 / 100, rel=0.1)


def test_a_single_run_without_items_has_no_interval() -> None:
    found = intervals([Differences(np.array([[3.0]]), None)])[0]
    assert found.covers == "nothing"
    assert np.isnan([found.low[0], found.high[0], found.p[0]]).all()


def test_equal_conditions_have_an_interval_of_no_width() -> None:
    found = intervals([differences(np.zeros((3, 50)))])[0]
    assert (found.low[0], found.mean[0], found.high[0], found.p[0]) == (0, 0, 0, 1)


def test_the_same_arguments_give_the_same_numbers() -> None:
    points = np.random.default_rng(2).normal(1, 10, (3, 100))
    one, two = (intervals([differences(points)], resamples=500)[0] for _ in range(2))
    assert one.low.tolist() == two.low.tolist()
    assert one.low.tolist() != intervals([differences(points)], resamples=500, seed=1)[0].low.tolist()


def test_comparisons_are_answered_as_if_each_were_alone() -> None:
    rng = np.random.default_rng(3)
    one, two = differences(rng.normal(0, 1, (2, 60))), differences(rng.normal(5, 1, (3, 60)))
    together, alone = intervals([one, two], resamples=300), intervals([two], resamples=300)
    np.testing.assert_allclose(together[1].low, alone[0].low)


def test_groups_of_equal_items_widen_the_interval() -> None:
    """Blocks of ten equal items are as good as a tenth of the items."""
    blocks = np.random.default_rng(4).normal(0, 10, (1, 100))
    means = blocks.mean(axis=1, keepdims=True)
    blocked = Differences(means, {"items": ((blocks - means) / 100)[:, :, None]})
    wide = intervals([blocked])[0]
    narrow = intervals([differences(np.repeat(blocks, 10, axis=1))])[0]
    assert (wide.high - wide.low)[0] / (narrow.high - narrow.low)[0] == pytest.approx(np.sqrt(10), rel=0.05)


@pytest.mark.parametrize(("runs", "run_spread"), [(3, 3.0), (3, 8.0), (5, 3.0), (5, 8.0)])
def test_coverage_with_few_runs(runs: int, run_spread: float) -> None:
    """400 simulated grids of right and wrong answers; 95% intervals cover the truth 92 to 98 times of 100."""
    rng = np.random.default_rng([runs, int(run_spread)])
    grids, truth = 400, 5.0
    made = []
    for _ in range(grids):
        chance = 50 + rng.normal(0, 10, 200)
        ours = np.clip(chance + truth + rng.normal(0, run_spread, (runs, 1)), 0, 100)
        right = (rng.random((runs, 200)) < ours / 100) * 100.0
        made.append(differences(right - (rng.random((runs, 200)) < chance / 100) * 100.0))
    found = [intervals([one], resamples=1000)[0] for one in made]
    covered = np.mean([one.low[0] <= truth <= one.high[0] for one in found])
    assert 0.92 <= covered <= 0.98
