"""Detectable differences and runs needed, against textbook values and the noncentral t."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.results.numbers import make, right
from xtransfer.analysis import Grid, power
from xtransfer.analysis.detectable import runs_needed, smallest
from xtransfer.analysis.variance import Variance, degrees


def variance(runs: float, items: float, num_runs: int = 5) -> Variance:
    return Variance(num_runs, np.array([runs]), np.array([items]), np.array([items]))


@pytest.mark.parametrize("freedom", [1.0, 2.0, 4.0, 9.0, 33.0])
@pytest.mark.parametrize(("level", "wanted"), [(0.95, 0.8), (0.99, 0.9)])
def test_smallest_difference_is_found_as_often_as_asked(freedom: float, level: float, wanted: float) -> None:
    size = smallest(np.array([4.0]), np.array([freedom]), level, wanted)[0] / 2
    limit = stats.t.ppf((1 + level) / 2, freedom)
    assert stats.nct.sf(limit, freedom, size) == pytest.approx(wanted, abs=0.003)


def test_with_infinite_degrees_of_freedom_the_normal_rule_holds() -> None:
    assert smallest(np.array([1.0]), np.array([np.inf]), 0.95, 0.8)[0] == pytest.approx(1.96 + 0.8416, abs=0.001)


@pytest.mark.parametrize(("effect", "pairs"), [(0.5, 34), (0.8, 15), (1.0, 10)])
def test_runs_needed_are_the_pairs_of_a_paired_t_test(effect: float, pairs: int) -> None:
    """Sample sizes for 80% power at 5% two-sided, as in Cohen (1988) and every power program: d = 0.5 needs 34."""
    assert runs_needed(np.array([effect]), variance(1 / 5, 0.0), 0.95, 0.8)[0] == pairs


def test_more_runs_do_not_help_where_items_leave_too_much_open() -> None:
    assert runs_needed(np.array([2.8]), variance(1.0, 1.0), 0.95, 0.8)[0] == np.inf
    few = runs_needed(np.array([3.5]), variance(1.0, 1.0), 0.95, 0.8)[0]
    assert 5 < few < 50
    total = 5 / few + 1.0
    limit = smallest(np.array([total]), degrees(np.array([5 / few / total]), int(few)), 0.95, 0.8)[0]
    assert limit <= 3.5


def test_rows_of_every_gain_and_contrast(tmp_path: Path) -> None:
    def items(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        more = {"direct": 0, "nli@en": 5 + seed, "nli@de": 40}[intermediate]
        return {"en": right(10 + seed + more, 100), "sw": right(10 + more, 100)}

    numbers = make(tmp_path, items, group_size=1)
    frame = power(Grid(numbers.cells, numbers.store))
    pairs = list(dict.fromkeys(zip(frame["first"], frame["second"], strict=True)))
    assert pairs == [("any", "direct"), ("nli@en", "direct"), ("nli@de", "direct"), ("nli@en", "nli@de")]
    one = frame.set_index(["first", "second", "language"]).loc[("nli@en", "direct", "sw")]
    gains = np.array([5.0, 6.0, 7.0])
    assert one["difference"] == pytest.approx(6)
    assert one["se_runs"] == pytest.approx(gains.std(ddof=1) / np.sqrt(3))
    assert one["se"] == pytest.approx(np.hypot(one["se_runs"], one["se_items"]))
    assert (one["runs"], one["n_runs"]) == ("seeds", 3)
    assert one["detectable"] > 2.8 * one["se"]


def test_advice(tmp_path: Path) -> None:
    def items(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        gain = {"direct": 0, "nli@en": 40, "nli@de": 10 + 8 * (seed - 1)}[intermediate]
        blocks = [100.0 * (number % 50 < gain) for number in range(100)]
        return {"en": right(5, 100), "de": blocks, "sw": right(1 if gain else 0, 100)}

    numbers = make(tmp_path, items, group_size=1)
    frame = power(Grid(numbers.cells, numbers.store)).set_index(["first", "second", "language"])
    assert frame.loc[("nli@en", "direct", "de"), "advice"] == "enough seeds"
    needed = frame.loc[("nli@de", "direct", "de"), "runs_needed"]
    assert frame.loc[("nli@de", "direct", "de"), "advice"] == f"{needed - 3:.0f} more seeds"
    assert frame.loc[("nli@en", "direct", "sw"), "runs_needed"] == np.inf
    assert frame.loc[("nli@en", "direct", "sw"), "advice"] == "more seeds will not help; this needs a larger test set"


def test_items_are_not_blamed_for_a_difference_near_zero(tmp_path: Path) -> None:
    def items(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        moved = 0 if intermediate == "direct" else {1: 10, 2: -10}.get(seed, 0.01)
        half = [80.0] * 50 + [20.0] * 50
        return {"en": half, "de": [points + moved for points in half], "sw": half}

    numbers = make(tmp_path, items, group_size=1)
    frame = power(Grid(numbers.cells, numbers.store)).set_index(["first", "second", "language"])
    line = frame.loc[("nli@en", "direct", "de")]
    assert line["se_items"] == 0 and line["runs_needed"] == np.inf
    assert line["advice"] == "over 1,000 seeds: the difference is very small"


def test_equal_predictions_do_not_make_a_study_exact(tmp_path: Path) -> None:
    numbers = make(tmp_path, lambda encoder, intermediate, seed: {"en": right(3), "sw": right(4 + seed)})
    frame = power(Grid(numbers.cells, numbers.store))
    assert (frame["difference"] == 0).all() and (frame["se"] == 0).all()
    assert frame[["detectable", "runs_needed"]].isna().all(axis=None)
    assert set(frame["advice"]) == {"every run gave the same difference"}


def test_a_single_run_is_told_to_add_runs(tmp_path: Path) -> None:
    numbers = make(tmp_path, seeds=(0,))
    frame = power(Grid(numbers.cells, numbers.store))
    assert frame[["se_runs", "se", "detectable", "runs_needed"]].isna().all(axis=None)
    assert frame["se_items"].notna().all()
    assert set(frame["advice"]) == {"add seeds: the spread of a single run is unknown"}


def test_without_points_per_item_the_runs_hold_all(tmp_path: Path) -> None:
    numbers = make(tmp_path, with_items=False)
    frame = power(Grid(numbers.cells, numbers.store))
    assert frame["se_items"].isna().all() and (frame["se"] == frame["se_runs"]).all()


def test_means_of_several_intermediates_are_found_at_the_level_of_their_intervals(tmp_path: Path) -> None:
    """With one intermediate less the same mean needs a smaller difference; a language needs the same."""
    many = ("direct", "nli@en", "nli@de", "nli@fr")

    def items(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        rng = np.random.default_rng([*intermediate.encode(), seed])
        return {code: (100.0 * (rng.random(80) < 0.5)).tolist() for code in ("en", "sw", "tr")}

    found = {}
    for slugs in (many, many[:2]):
        numbers = make(tmp_path / str(len(slugs)), items, intermediates=slugs)
        frame = power(Grid(numbers.cells, numbers.store))
        own = frame[(frame["first"] == "nli@en") & (frame["second"] == "direct")]
        found[len(slugs)] = own.set_index("language")["detectable"]
    assert found[4]["mean-but-en"] > 1.2 * found[2]["mean-but-en"]
    assert found[4]["sw"] == found[2]["sw"]
