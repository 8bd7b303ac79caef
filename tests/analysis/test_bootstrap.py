"""Intervals: exact where that can be computed by hand, and covering as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from xtransfer.analysis.bootstrap import Counts, intervals
from xtransfer.analysis.variance import Differences, Items, Variance


def differences(points: np.ndarray) -> Differences:
    """Of item differences [runs, items], every item a group, one column."""
    means = points.mean(axis=1, keepdims=True)
    return Differences(means, Items.of({"items": ((points - means) / points.shape[1])[:, :, None]}))


def test_runs_alone_give_students_interval() -> None:
    means = np.array([[1.0], [2.0], [4.0]])
    found = intervals([Differences(means, None)])[0]
    half = stats.t.ppf(0.975, 2) * means.std(ddof=1) / np.sqrt(3)
    assert found.covers == ("runs",)
    assert found.mean[0] == pytest.approx(7 / 3)
    assert found.high[0] - found.mean[0] == pytest.approx(half, rel=0.002)
    assert found.mean[0] - found.low[0] == pytest.approx(half, rel=0.002)


def test_runs_that_agree_by_chance_are_not_certain() -> None:
    """Of two equal conditions with 30 items and two seeds, one study in ten has twice the same difference."""
    rng = np.random.default_rng(0)
    means = 100 / 30 * (rng.binomial(30, 0.5, (4000, 2, 1)) - rng.binomial(30, 0.5, (4000, 2, 1)))
    found = intervals([Differences(one, None) for one in means], resamples=500)
    low, high = (np.array([getattr(one, end)[0] for one in found]) for end in ("low", "high"))
    agree = (means[:, 0, 0] == means[:, 1, 0]) & (means[:, 0, 0] != 0)
    assert agree.mean() > 0.05 and np.isnan(low[agree]).all() and not np.isnan(low[~agree]).any()
    assert ((low > 0) | (high < 0)).mean() < 0.05
    equal = intervals([Differences(np.zeros((2, 1)), None)])[0]
    assert (equal.low[0], equal.high[0]) == (0, 0)


def test_items_alone_give_the_usual_bootstrap_interval() -> None:
    points = np.random.default_rng(0).choice([-100.0, 0.0, 100.0], size=(1, 400), p=[0.1, 0.6, 0.3])
    found = intervals([differences(points)])[0]
    half = 1.96 * points.std(ddof=1) / np.sqrt(400)
    assert found.covers == ("items",) and np.isnan(found.p).all()
    assert found.high[0] - found.low[0] == pytest.approx(2 * half, rel=0.05)


def test_noise_that_runs_and_items_share_counts_once() -> None:
    """Pure noise in 20 runs × 500 items: the variance of the mean is that of 10,000 independent numbers."""
    rng = np.random.default_rng(1)
    found = intervals([differences(rng.normal(0, 10, (20, 500))) for _ in range(30)], resamples=1000)
    width = np.mean([one.high[0] - one.low[0] for one in found])
    assert width == pytest.approx(2 * stats.t.ppf(0.975, 19) * 10 / 100, rel=0.1)


def test_a_single_run_without_items_has_no_interval() -> None:
    found = intervals([Differences(np.array([[3.0]]), None)])[0]
    assert found.covers == ("nothing",)
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
    np.testing.assert_allclose(together[1].low, alone[0].low, rtol=1e-5)


def test_groups_of_equal_items_widen_the_interval() -> None:
    """Blocks of ten equal items are as good as a tenth of the items."""
    blocks = np.random.default_rng(4).normal(0, 10, (1, 100))
    means = blocks.mean(axis=1, keepdims=True)
    blocked = Differences(means, Items.of({"items": ((blocks - means) / 100)[:, :, None]}))
    wide = intervals([blocked])[0]
    narrow = intervals([differences(np.repeat(blocks, 10, axis=1))])[0]
    assert (wide.high - wide.low)[0] / (narrow.high - narrow.low)[0] == pytest.approx(np.sqrt(10), rel=0.05)


@pytest.mark.parametrize(("runs", "run_spread"), [(3, 3.0), (3, 8.0), (5, 3.0), (5, 8.0)])
def test_coverage_with_few_runs(runs: int, run_spread: float) -> None:
    """2,000 simulated grids of right and wrong answers; 95% intervals cover the truth 93 to 97 times of 100."""
    rng = np.random.default_rng([runs, int(run_spread)])
    grids, truth = 2000, 5.0
    made = []
    for _ in range(grids):
        chance = 50 + rng.normal(0, 10, 200)
        ours = np.clip(chance + truth + rng.normal(0, run_spread, (runs, 1)), 0, 100)
        right = (rng.random((runs, 200)) < ours / 100) * 100.0
        made.append(differences(right - (rng.random((runs, 200)) < chance / 100) * 100.0))
    covered = np.mean([one.low[0] <= truth <= one.high[0] for one in intervals(made, resamples=1000)])
    assert 0.93 <= covered <= 0.97


def shared(share: float, means: np.ndarray) -> Differences:
    """Runs whose true variance of the mean is `share`, and items that make it up to 1; columns are grids."""
    spread = stats.norm.ppf((np.arange(200) + 0.5) / 200)
    influence = spread / np.sqrt(np.square(spread).sum() * 200 / 199) * np.sqrt(1 - share)
    return Differences(
        means, Items.of({"items": np.broadcast_to(influence[None, :, None], (len(means), 200, means.shape[1]))})
    )


@pytest.mark.parametrize(("runs", "error"), [(2, 0.027), (3, 0.012), (5, 0.006), (10, 0.003)])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.8, 0.95])
def test_degrees_of_freedom_cover_whatever_the_share_of_the_runs(runs: int, error: float, share: float) -> None:
    rng = np.random.default_rng([runs, int(100 * share)])
    grids = 40_000
    means = rng.normal(0, np.sqrt(share * runs), (runs, grids))
    truth = rng.normal(0, np.sqrt(1 - share), grids)
    variance = Variance.of(shared(share, means))
    half = np.sqrt(variance.total) * stats.t.ppf(0.975, variance.degrees)
    assert np.mean(np.abs(means.mean(axis=0) - truth) <= half) == pytest.approx(0.95, abs=error)


@pytest.mark.parametrize("runs", [2, 3, 5, 10])
def test_draws_have_these_degrees_of_freedom(runs: int) -> None:
    means = np.random.default_rng(runs).normal(0, 1, (runs, 8))
    one = shared(0.7, means)
    variance, found = Variance.of(one), intervals([one])[0]
    half = np.sqrt(variance.total) * stats.t.ppf(0.975, variance.degrees)
    np.testing.assert_allclose((found.high - found.low) / 2, half, rtol=0.05)


def test_many_comparisons_are_answered_like_few() -> None:
    """Draws are made for some hundred columns at a time; where one batch ends changes no number."""
    rng = np.random.default_rng(5)
    many = [
        Differences(rng.normal(size=(3, 120)), Items.of({"items": rng.normal(size=(3, 30, 120))})) for _ in range(6)
    ]
    together = intervals(many, resamples=200)
    np.testing.assert_allclose(together[5].low, intervals(many[5:], resamples=200)[0].low, rtol=1e-4)


def test_languages_of_other_items_vary_independently_and_those_of_the_same_together() -> None:
    influence = np.random.default_rng(6).normal(size=(1, 100, 1))
    influence -= influence.mean(axis=1, keepdims=True)
    same, other = (
        Differences(np.zeros((1, 1)), Items.of({name: influence})) for name in ("these items", "other items")
    )
    one, again, apart = Counts(4000, 0).item_draws([same, same, other])
    assert np.corrcoef(one[:, 0], again[:, 0])[0, 1] == pytest.approx(1)
    assert abs(np.corrcoef(one[:, 0], apart[:, 0])[0, 1]) < 0.05
    assert apart.std() == pytest.approx(one.std())
