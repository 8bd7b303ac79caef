"""Intervals of several comparisons that hold together: wider than alone, and the same from whichever side one looks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perf.families import Family, rates
from tests.results.numbers import Numbers, make
from xtransfer.analysis import BUT_EN, OTHERS, contrasts, gains
from xtransfer.analysis.bootstrap import Counts, answered_together, intervals
from xtransfer.analysis.simultaneous import simultaneous
from xtransfer.analysis.variance import Differences, Items


@pytest.fixture
def numbers(tmp_path: Path) -> Numbers:
    def drawn(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        rng = np.random.default_rng([*intermediate.encode(), seed])
        return {code: (100.0 * (rng.random(60) < 0.6)).tolist() for code in ("en", "de", "fr", "sw")}

    return make(tmp_path, drawn)


def comparison(mean: float, rng: np.random.Generator) -> Differences:
    influence = rng.normal(size=(3, 50, 1))
    return Differences(
        mean + rng.normal(size=(3, 1)), Items.of({"all": influence - influence.mean(axis=1, keepdims=True)})
    )


def test_means_have_joint_intervals_and_languages_their_own(numbers: Numbers) -> None:
    frame = gains(numbers.cells, numbers.store, resamples=500)
    each = frame[~frame["intermediate"].isin(["direct", "any"])]
    means = each[each["language"].isin([OTHERS, BUT_EN])]
    assert set(means["family"]) == {2} and means["joint_low"].notna().all()
    assert (means["joint_low"] <= means["low"]).all() and (means["joint_high"] >= means["high"]).all()
    assert (means["p_joint"] >= means["p"]).all()
    rest = frame.drop(index=means.index)
    assert set(rest["family"]) == {1} and rest[["joint_low", "joint_high", "p_joint"]].isna().all(axis=None)


def test_a_gain_is_the_same_as_the_contrast_with_direct(numbers: Numbers) -> None:
    one = gains(numbers.cells, numbers.store, resamples=500).set_index(["intermediate", "language"])
    two = contrasts(numbers.cells, numbers.store, resamples=500)
    two = two[(two["first"] == "direct") & two["language"].isin([OTHERS, BUT_EN])]
    for row in two.to_dict("records"):
        gain = one.loc[(row["second"], row["language"])]
        assert (gain["joint_low"], gain["joint_high"]) == pytest.approx(
            (-row["joint_high"], -row["joint_low"]), abs=1e-3
        )
        assert gain["family"] == row["family"]


def test_one_comparison_is_as_sure_as_alone() -> None:
    one = comparison(2.0, np.random.default_rng(0))
    (alone,) = intervals([one])
    (answer,), largest = answered_together([one], Counts(10_000, 0), 0.95, [{0: "one"}])
    (joint,) = simultaneous([(answer, 0)], largest["one"], 0.95)
    assert (joint.low, joint.high) == pytest.approx((alone.low[0], alone.high[0]), abs=0.1)


def test_another_processor_finds_the_same() -> None:
    """Its sums have other last bits, from which no other draws may follow."""
    one = comparison(2.0, np.random.default_rng(0))
    there = Differences(one.means * (1 + 1e-14), one.items)
    assert (there.means != one.means).any()
    here, beside = (answered_together([each], Counts(1000, 0), 0.95, [{0: "one"}])[1]["one"] for each in (one, there))
    assert beside == pytest.approx(here, abs=1e-6)


def test_a_comparison_that_one_run_has_is_left_out_of_the_family() -> None:
    rng = np.random.default_rng(1)
    made = [comparison(1.0, rng), comparison(2.0, rng), Differences(np.array([[3.0]]), None)]
    answers, largest = answered_together(made, Counts(1000, 0), 0.95, [{0: "all"}] * 3)
    found = simultaneous([(answer, 0) for answer in answers], largest["all"], 0.95)
    assert [one.size for one in found] == [2, 2, 2] and np.isnan(found[2].low) and np.isnan(found[2].p)


def test_a_study_without_effects_seldom_claims_one() -> None:
    """60 simulated studies of ten intermediates: 5% at most is what is meant, and 15% more than three errors off."""
    found = rates(Family("none", 3, "2"), 60, 0)
    for name in ("gains", "contrasts"):
        assert found[f"{name}, joint, any false"].value <= 15
        assert found[f"{name}, pointwise, any false"].value >= 18
