"""The mixed-effects model: known coefficients come back, and what cannot be estimated is said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.results.numbers import make, right
from xtransfer.analysis import Grid, mixed_effects
from xtransfer.analysis.mixed import _fault, design, fitted
from xtransfer.analysis.predictors import observations, steps_apart
from xtransfer.base.languages import language

INTERMEDIATES = (
    "direct", "nli@en", "nli@de", "nli@fr", "nli@ru", "nli@tr", "nli@ur", "nli@de~engine", "nli@tr~engine",
)  # fmt: skip
LANGUAGES = ("en", "de", "fr", "ru", "tr", "kk", "sw", "ur")


def found(folder: Path, items: Any, **more: Any) -> pd.DataFrame:
    numbers = make(folder, items, steps=lambda slug: 100 if "engine" in slug else 200, group_size=1, **more)
    return mixed_effects(Grid(numbers.cells, numbers.store)).set_index("term")


def by_distance(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
    """Of 200 items: direct 60; others 90, less 10 for each step up the family tree, and a little of everything else."""
    if intermediate == "direct":
        return {code: right(60 + seed, 200) for code in LANGUAGES}
    rng = np.random.default_rng([seed, *intermediate.encode()])
    pair = np.random.default_rng([*intermediate.encode()]).integers(-3, 4, len(LANGUAGES))
    own = language(intermediate.partition("@")[2][:2])
    return {
        code: right(int(90 - 10 * steps_apart(own, language(code)) + pair[place] + rng.integers(-2, 3)), 200)
        for place, code in enumerate(LANGUAGES)
    }


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [("de", "de", 0), ("de", "en", 1), ("de", "fr", 2), ("de", "tr", 3), ("tr", "kk", 2), ("eu", "ko", 3)],
)  # fmt: skip
def test_steps_up_the_family_tree(one: str, other: str, steps: int) -> None:
    assert steps_apart(language(one), language(other)) == steps
    assert steps_apart(language(other), language(one)) == steps


def test_observations_hold_gains_and_what_is_known(tmp_path: Path) -> None:
    numbers = make(tmp_path, by_distance, intermediates=INTERMEDIATES, steps=lambda slug: 128, group_size=1)
    rows = observations(Grid(numbers.cells, numbers.store), "xnli")
    assert len(rows) == 8 * 3 * 8
    one = rows.set_index(["intermediate", "language", "seed"]).loc[("nli@tr~engine", "kk", 1)]
    assert one[["distance", "same_script", "translated", "log2_rows_seen"]].tolist() == [2, 0, 1, np.log2(128 * 16)]
    near = rows.set_index(["intermediate", "language", "seed"]).loc[("nli@de", "en", 0)]
    assert near[["distance", "same_script", "translated"]].tolist() == [1, 1, 0]


def test_the_nearest_language_of_a_mixture_counts(tmp_path: Path) -> None:
    items = lambda encoder, name, seed: {"ru": right(3 + seed), "ur": right(4)}  # noqa: E731
    numbers = make(tmp_path, items, intermediates=["direct", "nli@de+nli@ru"])
    rows = observations(Grid(numbers.cells, numbers.store), "xnli").set_index(["language", "seed"])
    assert rows.loc[("ru", 0), "distance"] == 0 and rows.loc[("ur", 0), "distance"] == 2
    assert rows.loc[("ru", 0), "same_script"] == 1


def test_the_coefficient_of_distance_comes_back(tmp_path: Path) -> None:
    frame = found(tmp_path, by_distance, intermediates=INTERMEDIATES)
    distance = frame.loc["distance"]
    assert distance["low"] < -5 < distance["high"] < 0  # 10 items of 200 are 5 points
    assert distance["p"] < 0.001 and distance["note"] == ""
    assert distance[["n", "n_intermediates", "n_languages", "n_runs"]].tolist() == [192, 8, 8, 3]
    assert frame.loc["log2_rows_seen", "degrees"] == 8 - 1 - 1  # intermediates, less one and the term
    assert frame.loc["translated", "note"].startswith("cannot be told apart from")  # those saw half the rows


def test_what_cannot_be_estimated_is_said(tmp_path: Path) -> None:
    frame = found(tmp_path, by_distance, intermediates=["direct", "nli@en", "nli@de", "nli@tr"])
    assert frame.loc["log2_rows_seen", "note"].startswith("the same everywhere: 11.64")
    assert frame.loc["translated", "note"] == "the same everywhere: 0"
    assert (
        frame.loc[["log2_rows_seen", "translated"], ["estimate", "low", "high", "p", "degrees"]].isna().all(axis=None)
    )
    few = found(tmp_path / "few", by_distance, intermediates=["direct", "nli@en", "nli@de~engine", "nli@tr"])
    assert few.loc["log2_rows_seen", "note"] == (
        "differs only between intermediates, of which there are too few: 1 more at least"
    )


def test_terms_that_say_the_same_are_told() -> None:
    pairs = pd.DataFrame(
        {"intermediate": list("aabbccddeeff"), "language": list("xy") * 6, "gain": np.arange(12.0) % 5,
         "distance": np.tile([0.0, 1.0], 6), "same_script": np.tile([1.0, 0.0], 6),
         "log2_rows_seen": np.repeat([1.0, 2, 3, 4, 5, 6], 2), "translated": np.repeat([0.0, 1], 6)}
    )  # fmt: skip
    degrees, notes = design(pairs)
    assert notes["distance"].startswith("differs only between languages")
    assert list(degrees) == ["log2_rows_seen", "translated"]
    wide = pd.concat([pairs.assign(language=pairs["language"] + str(n), distance=pairs["distance"] + n,
                                   same_script=-pairs["distance"] - n) for n in range(3)])  # fmt: skip
    assert design(wide)[1]["same_script"] == "cannot be told apart from distance"


def test_a_baseline_alone_and_unknown_languages(tmp_path: Path) -> None:
    alone = found(tmp_path / "alone", by_distance, intermediates=["direct"])
    assert set(alone["note"]) == {"no gains: nothing was scored beside the baseline"}
    own = {"direct": 3, "nli@en": 5}
    items = lambda encoder, name, seed: {"xx": right(own[name] + seed), "de": right(own[name])}  # noqa: E731
    frame = found(tmp_path / "unknown", items, intermediates=["direct", "nli@en"])
    assert frame.loc["distance", "note"] == "not known in 1 of 2 pairs, such as nli@en to xx"


def test_gains_without_spread_are_not_judged(tmp_path: Path) -> None:
    items = lambda encoder, name, seed: {code: right(3 if name == "direct" else 5) for code in LANGUAGES}  # noqa: E731
    frame = found(tmp_path, items, intermediates=INTERMEDIATES)
    assert frame["estimate"].isna().all()
    assert frame.loc["distance", "note"].startswith("the gains do not vary beyond what the terms explain")


def test_steps_that_were_not_recorded_are_told(tmp_path: Path) -> None:
    numbers = make(tmp_path, by_distance, intermediates=INTERMEDIATES, group_size=1)
    frame = mixed_effects(Grid(numbers.cells, numbers.store)).set_index("term")
    assert frame.loc["log2_rows_seen", "note"] == "not known in 64 of 64 pairs, such as nli@en to en"


def _simulated(rng: np.random.Generator, terms: Sequence[str]) -> pd.DataFrame:
    """Eight intermediates × ten languages, both with effects of their own; distance -2, the rest without effect."""
    intermediate, language_of = np.divmod(np.arange(80), 10)
    distance = (intermediate * 3 + language_of * 7) % 4
    gain = (
        -2.0 * distance + rng.normal(0, 3, 8)[intermediate] + rng.normal(0, 2, 10)[language_of] + rng.normal(0, 1.5, 80)
    )
    columns = {"distance": distance.astype(float), "translated": (intermediate % 2).astype(float)}
    names = {"intermediate": intermediate.astype(str), "language": language_of.astype(str), "gain": gain}
    clusters = {"family": names["language"], "script": names["language"]}
    return pd.DataFrame(names | clusters | {term: columns[term] for term in terms})


def test_standard_errors_are_those_of_repeated_studies() -> None:
    rng = np.random.default_rng(0)
    terms = ["distance", "translated"]
    estimates = [fitted(_simulated(rng, terms), terms)[0] for _ in range(60)]
    for term, truth in (("distance", -2.0), ("translated", 0.0)):
        values = np.array([one[term] for one in estimates])
        assert abs(values[:, 0].mean() - truth) < 4 * values[:, 0].std() / np.sqrt(60)
        assert values[:, 1].mean() == pytest.approx(values[:, 0].std(ddof=1), rel=0.3)


def test_means_that_differ_in_the_last_digit_are_the_same() -> None:
    values = {"intermediate": ["nli@en", "nli@de"], "language": ["de", "tr"], "log2_rows_seen": [0.1 + 0.2, 0.3]}
    assert _fault(pd.DataFrame(values), {}, "log2_rows_seen") == "the same everywhere: 0.3"


def test_two_runs_give_intervals_and_no_p_values(tmp_path: Path) -> None:
    frame = found(tmp_path, by_distance, intermediates=INTERMEDIATES, seeds=(0, 1))
    distance = frame.loc["distance"]
    assert distance["n_runs"] == 2 and distance["low"] < distance["high"] < 0 and distance["verdict"] == "down"
    assert frame["p"].isna().all()
