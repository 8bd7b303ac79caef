"""Which intermediate is best: exact where a hand can say it, joint over runs and items."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.results.numbers import make, right
from xtransfer.analysis import BUT_EN, Grid, ranking
from xtransfer.analysis.best import joint_draws
from xtransfer.analysis.bootstrap import Counts
from xtransfer.analysis.variance import Differences, Items, Variance


def frame(folder: Path, items: object = None, **more: object) -> pd.DataFrame:
    numbers = make(folder, *([items] if items else []), **more)  # type: ignore[arg-type]
    return ranking(Grid(numbers.cells, numbers.store), resamples=2000)


def noisy(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
    """Swahili: direct 40%, English +10, German +12 points, on items that differ by seed."""
    rng = np.random.default_rng([seed, len(intermediate), ord(intermediate[-1])])
    chance = {"direct": 0.40, "nli@en": 0.50, "nli@de": 0.52}[intermediate]
    return {code: list(100.0 * (rng.random(200) < chance)) for code in ("en", "sw")}


def test_probabilities_and_ranks_add_up(tmp_path: Path) -> None:
    found = frame(tmp_path, noisy, group_size=1)
    for _, part in found.groupby(["encoder", "target", "language"]):
        assert part["best"].sum() == pytest.approx(1)
        assert part["expected_rank"].sum() == pytest.approx(1 + 2 + 3)
    sw = found[found["language"] == "sw"].set_index("intermediate")
    assert list(sw.index) == ["direct", "nli@en", "nli@de"]
    assert sw.loc["direct", "best"] < 0.1 and (sw.loc[["nli@en", "nli@de"], "best"] > 0.1).all()
    assert sw["covers"].unique().tolist() == ["seeds and items"] and sw["n_seeds"].unique().tolist() == [3]


def test_two_intermediates_are_compared_by_their_difference(tmp_path: Path) -> None:
    """Runs alone: the probability that one beats another is that of Student's t of their paired difference."""
    counts = {"direct": (20, 25, 30), "nli@en": (22, 26, 33)}

    def items(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        return {"sw": right(counts[intermediate][seed], 100)}

    found = frame(tmp_path, items, intermediates=["direct", "nli@en"], with_items=False)
    difference = np.array([2.0, 1.0, 3.0])
    expected = stats.t.cdf(difference.mean() / (difference.std(ddof=1) / np.sqrt(3)), 2)
    english = found[(found["language"] == "sw") & (found["intermediate"] == "nli@en")].iloc[0]
    assert english["best"] == pytest.approx(expected, abs=0.02)
    assert english["expected_rank"] == pytest.approx(2 - expected, abs=0.02)


def test_equal_intermediates_share_the_first_place(tmp_path: Path) -> None:
    found = frame(tmp_path, lambda encoder, name, seed: {"en": right(4), "sw": right(3 + seed)})
    assert found["best"].tolist() == pytest.approx([1 / 3] * len(found))
    assert found["expected_rank"].tolist() == pytest.approx([2.0] * len(found))


def test_intermediates_with_equal_predictions_share_their_place(tmp_path: Path) -> None:
    """Neither is the first, against which all are drawn: rounding must not break the tie."""

    def items(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        rng = np.random.default_rng([seed, {"direct": 0, "nli@en": 1}.get(intermediate, 2)])
        return {code: list(100.0 * (rng.random(40) < 0.5)) for code in ("en", "de", "sw")}

    found = frame(tmp_path, items, intermediates=["direct", "nli@en", "nli@de", "nli@fr"])
    for _, part in found.groupby("language"):
        one, other = (part[part["intermediate"] == name].iloc[0] for name in ("nli@de", "nli@fr"))
        assert (one["best"], one["expected_rank"]) == (other["best"], other["expected_rank"])


def test_means_are_ranked_but_mean_others_is_not(tmp_path: Path) -> None:
    assert set(frame(tmp_path)["language"]) == {"en", "de", "sw", "mean-but-en"}


def test_only_runs_that_all_have_count(tmp_path: Path) -> None:
    found = frame(tmp_path, only=lambda name, seed: (name, seed) != ("nli@de", 2))
    assert found["n_seeds"].unique().tolist() == [2]
    value = found[(found["language"] == "de") & (found["intermediate"] == "direct")]["value"]
    assert value.tolist() == [pytest.approx(35)]


def test_all_are_ranked_in_the_languages_that_all_have(tmp_path: Path) -> None:
    """One lacks French, in which the others are perfect; languages share no items, so each is drawn by itself."""

    def items(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        rng = np.random.default_rng([seed, len(intermediate), ord(intermediate[-1])])
        found = {code: list(100.0 * (rng.random(size) < 0.5)) for code, size in (("de", 30), ("sw", 40), ("en", 50))}
        return found if intermediate == "nli@de" else {"fr": [100.0] * 60, **found}

    numbers = make(tmp_path, items, group_size=1)
    named = ranking(Grid([*numbers.cells], numbers.store), resamples=500)
    assert set(named["language"]) == {"de", "sw", "en", BUT_EN}
    for name, own in named.groupby("intermediate"):
        values = own.set_index("language")["value"]
        assert values[BUT_EN] == pytest.approx((values["de"] + values["sw"]) / 2), name


def test_a_single_run_without_items_ranks_nothing(tmp_path: Path) -> None:
    found = frame(tmp_path, seeds=(0,), with_items=False)
    assert found["best"].isna().all() and (found["covers"] == "nothing").all()


def test_nothing_to_rank_gives_an_empty_frame(tmp_path: Path) -> None:
    assert frame(tmp_path, only=lambda name, seed: name == "direct").empty


def test_joint_draws_have_the_variance_of_the_intervals_and_the_covariance_of_the_data() -> None:
    rng = np.random.default_rng(0)
    items = rng.normal(0, 30, (1, 400, 1)) + rng.normal(0, 20, (1, 400, 2))  # shared between the columns
    points = items + rng.normal(0, 5, (12, 1, 1)) + rng.normal(0, 3, (12, 1, 2)) + rng.normal(0, 25, (12, 400, 2))
    means = points.mean(axis=1)
    one = Differences(means, Items.of({"all": (points - means[:, None]) / 400}))
    draws = joint_draws(one, Counts(20_000, 0))
    variance = Variance.of(one)
    expected = variance.runs * 11 / 9 + variance.items  # Student's t with 11 degrees of freedom: 11/9 as wide
    np.testing.assert_allclose(draws.var(axis=0), expected, rtol=0.05)
    apart = Variance.of(
        Differences(means @ [[1], [-1]], Items.of({"all": (points - means[:, None]) / 400 @ [[1], [-1]]}))
    )
    expected_apart = apart.runs[0] * 11 / 9 + apart.items[0]
    assert (draws[:, 0] - draws[:, 1]).var() == pytest.approx(expected_apart, rel=0.05)


def test_what_a_simultaneous_interval_shows_to_be_worse_is_ruled_out(tmp_path: Path) -> None:
    def items(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        counts = {"direct": 20, "nli@en": 20, "nli@de": 50}[intermediate]
        return {code: right(counts + seed, 60) for code in ("en", "fr", "sw")}

    numbers = make(tmp_path, items, group_size=1)
    frame = ranking(Grid(numbers.cells, numbers.store), resamples=500)
    mean = frame[frame["language"] == BUT_EN].set_index("intermediate")["beaten_by"]
    assert mean.to_dict() == {"direct": "nli@de", "nli@en": "nli@de", "nli@de": ""}
    assert set(frame.loc[frame["language"] != BUT_EN, "beaten_by"]) == {""}
