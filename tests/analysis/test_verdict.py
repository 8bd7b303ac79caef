"""What an estimate may be said to show, by what its interval covers."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.results.numbers import make, right
from xtransfer.analysis import Grid, contrasts, gains, mixed_effects, power, ranking
from xtransfer.analysis.bootstrap import intervals
from xtransfer.analysis.variance import Differences, Items
from xtransfer.analysis.verdict import Verdict


@pytest.mark.parametrize(
    ("low", "high", "covers", "num_runs", "state", "reason"),
    [
        (1.0, 2.0, "seeds and items", 3, "up", ""),
        (-2.0, -1.0, "seeds", 3, "down", ""),
        (-1.0, 2.0, "seeds and items", 2, "open", ""),
        (1.0, 2.0, "items", 1, "unknown", "not known from one run, all that is left of 3"),
        (float("nan"), float("nan"), "nothing", 1, "unknown", "not known from one run, all that is left of 3"),
        (float("nan"), float("nan"), "nothing", 0, "unknown", "not known without a usable run"),
    ],
)
def test_states(low: float, high: float, covers: str, num_runs: int, state: str, reason: str) -> None:
    verdict = Verdict.of(low, high, covers, "seeds", num_runs, 3)
    assert (verdict.state, verdict.reason) == (state, reason)
    assert Verdict.read(verdict.columns) == verdict == verdict.turned().turned()
    assert verdict.turned().state == {"up": "down", "down": "up"}.get(state, state)


def chance(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
    """Equal conditions whose seeds lie far apart, over 400 items."""
    rng = np.random.default_rng([seed, *intermediate.encode()])
    return {code: list(100.0 * (rng.random(400) < rng.uniform(0.2, 0.8))) for code in ("en", "de", "sw")}


@pytest.mark.parametrize("seed", range(5))
def test_equal_intermediates_are_never_said_to_differ_by_one_seed(tmp_path: Path, seed: int) -> None:
    numbers = make(tmp_path, chance, seeds=[seed], group_size=1)
    grid = Grid(numbers.cells, numbers.store)
    for frame in (gains(grid, numbers.store), contrasts(grid, numbers.store)):
        assert set(frame["verdict"]) - {""} == {"unknown"}
        assert frame[["p", "p_holm", "p_bh"]].isna().all(axis=None)
        assert ((frame["low"] > 0) | (frame["high"] < 0)).any()  # which was said to be a difference
    ranked = ranking(grid)
    assert ranked[["best", "expected_rank"]].isna().all(axis=None)
    assert set(ranked["reason"]) == {"not known from one run"}


def test_an_encoder_that_is_left_of_several_is_one_run(tmp_path: Path) -> None:
    """Its three seeds say nothing of other encoders."""
    numbers = make(tmp_path, chance, encoders=["tiny@0", "tiny@1"], group_size=1)
    for cell in (one for one in numbers.cells if one.encoder == "tiny@1"):
        found = numbers.store.find(cell.score.key)
        assert found is not None
        shutil.rmtree(found.folder)
    grid = Grid(numbers.cells, numbers.store)
    frame = gains(grid, numbers.store)
    pooled = frame[(frame["encoder"] == "tiny@*") & (frame["intermediate"] != "direct")]
    assert set(pooled["reason"]) == {"not known from one encoder, all that is left of 2"}
    assert set(pooled["covers"]) == {"items"} and set(pooled["n_seeds"]) == {3}
    single = frame[(frame["encoder"] == "tiny@0") & (frame["intermediate"] != "direct")]
    assert "unknown" not in set(single["verdict"])
    advice = power(grid).set_index("encoder").loc["tiny@*", "advice"]
    assert set(advice) == {"add encoders: the spread of a single run is unknown"}


def test_an_intermediate_without_a_usable_run_is_named_in_the_ranking(tmp_path: Path) -> None:
    numbers = make(tmp_path, group_size=1, only=lambda name, seed: name != "nli@de")
    found = ranking(Grid(numbers.cells, numbers.store))
    lost = found[found["intermediate"] == "nli@de"]
    assert set(lost["reason"]) == {"not known without a usable run"} and lost["best"].isna().all()
    assert found[found["intermediate"] != "nli@de"]["best"].notna().all()


def test_a_model_of_one_run_or_two_has_no_p(tmp_path: Path) -> None:
    def near(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        rng = np.random.default_rng([seed, *intermediate.encode()])
        return {code: right(int(rng.integers(50, 150)), 200) for code in ("en", "de", "fr", "ru", "tr", "sw")}

    slugs = ("direct", *(f"nli@{code}" for code in ("en", "de", "fr", "ru", "tr", "sw", "ur", "hi")))
    for runs in (1, 2, 3):
        numbers = make(tmp_path / str(runs), near, intermediates=slugs, seeds=range(runs), steps=lambda slug: 100)
        distance = mixed_effects(Grid(numbers.cells, numbers.store)).set_index("term").loc["distance"]
        assert np.isfinite(distance["estimate"]) and np.isfinite(distance["p"]) == (runs > 2)
        assert (distance["verdict"] == "unknown") == (runs == 1)
        assert distance["note"] == ("not known from one run" if runs == 1 else "")


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("groups", [2, 3, 5, 10])
def test_few_groups_of_items_are_covered(groups: int, runs: int) -> None:
    """Where the groups of items are few, intervals cover the truth about 95 times of 100; of two, 90 at least."""
    rng = np.random.default_rng([groups, runs])
    means, made = rng.normal(0, 10, (2000, 1, groups)) + rng.normal(0, 1, (2000, runs, groups)), []
    for points in means:
        mean = points.mean(axis=1, keepdims=True)
        made.append(Differences(mean, Items.of({"items": ((points - mean) / groups)[:, :, None]})))
    covered = np.mean([one.low[0] <= 0 <= one.high[0] for one in intervals(made, resamples=1000)])
    assert (0.9 if groups == 2 else 0.93) <= covered <= 0.985


def test_one_group_of_items_says_nothing_of_items() -> None:
    one_run, three_runs = intervals(
        [Differences(np.full((1, 1), -2.5), Items.of({"items": np.zeros((1, 1, 1))})),
         Differences(np.array([[-2.5], [-2.0], [-3.0]]), Items.of({"items": np.zeros((3, 1, 1))}))]
    )  # fmt: skip
    assert np.isnan([one_run.low[0], one_run.high[0], one_run.p[0]]).all() and one_run.covers == ("nothing",)
    assert three_runs.low[0] < -2.5 < three_runs.high[0] and three_runs.covers == ("runs",)
