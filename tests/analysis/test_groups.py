"""Means over families and scripts, and p values adjusted over the languages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.results.numbers import make, right
from xtransfer.analysis import gains, is_language
from xtransfer.analysis.multiplicity import benjamini_hochberg, holm
from xtransfer.report.tables import grids


def items(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
    """Direct gets 3 of 10 everywhere; others gain 10 points in German, 20 in French, 30 in Urdu, 40 in Korean."""
    more = {"en": 0, "de": 1, "fr": 2, "ur": 3, "ko": 4, "eu": 5}
    return {code: right(3 + (0 if intermediate == "direct" else extra)) for code, extra in more.items()}


def test_families_and_scripts_are_means_over_their_unseen_languages(tmp_path: Path) -> None:
    numbers = make(tmp_path, items, intermediates=["direct", "nli@de"])
    frame = gains(numbers.cells, numbers.store)
    found = frame[frame["intermediate"] == "nli@de"].set_index("language")
    assert found.loc["family:Indo-European", "gain"] == pytest.approx((10 + 20 + 30) / 3)  # de, fr, ur; not English
    assert found.loc["script:Latin", "gain"] == pytest.approx((10 + 20 + 50) / 3)  # de, fr, eu
    assert found.loc["family:Indo-European", "n_items"] == 30
    groups = [one for one in found.index if ":" in one]
    assert groups == ["family:Indo-European", "script:Latin"]  # isolates are no family, one Hangul language no group


def test_a_group_of_all_unseen_languages_is_not_repeated(tmp_path: Path) -> None:
    numbers = make(tmp_path)  # en, de, sw: both unseen ones are written in Latin script
    assert not [one for one in gains(numbers.cells, numbers.store)["language"] if ":" in one]


def test_tables_show_languages_and_the_two_means(tmp_path: Path) -> None:
    numbers = make(tmp_path, items, intermediates=["direct", "nli@de"])
    (grid,) = grids(gains(numbers.cells, numbers.store))
    assert grid.columns == ["en", "de", "fr", "ur", "ko", "eu", "mean-but-en", "mean-others"]


def test_holm_and_benjamini_hochberg_by_hand() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.005])
    np.testing.assert_allclose(holm(p), [0.03, np.nan, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(benjamini_hochberg(p), [0.02, np.nan, 0.04, 0.04, 0.02])
    assert holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]
    assert np.isnan(holm(np.full(2, np.nan))).all() and benjamini_hochberg(np.zeros(0)).size == 0


def test_benjamini_hochberg_is_that_of_scipy() -> None:
    p = np.random.default_rng(0).random(50) ** 2
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p))


def test_adjusted_p_values_are_over_the_languages_of_one_comparison(tmp_path: Path) -> None:
    def varied(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        rng = np.random.default_rng([seed, len(intermediate)])
        shift = 0.0 if intermediate == "direct" else 0.1
        return {code: list(100.0 * (rng.random(60) < 0.4 + shift * n)) for n, code in enumerate(("en", "de", "sw"))}

    numbers = make(tmp_path, varied, group_size=1)
    frame = gains(numbers.cells, numbers.store)
    for (_, name), part in frame.groupby(["encoder", "intermediate"]):
        real = part[[is_language(one) for one in part["language"]]]
        assert part.drop(index=real.index)[["p_holm", "p_bh"]].isna().all(axis=None)
        if name != "direct":
            np.testing.assert_allclose(real["p_holm"], holm(real["p"].to_numpy()))
            np.testing.assert_allclose(real["p_bh"], benjamini_hochberg(real["p"].to_numpy()))
