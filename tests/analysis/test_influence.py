"""What comparisons share is drawn once: the same numbers as when each comparison draws its own items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.results.numbers import Numbers, make
from xtransfer.analysis import Grid, bootstrap, contrasts, gains, power, ranking
from xtransfer.analysis.best import joint_draws
from xtransfer.analysis.bootstrap import Counts, intervals
from xtransfer.analysis.grid import contrast_rows, gain_rows
from xtransfer.analysis.paired_difference import Comparison, compare
from xtransfer.analysis.points import Result, load
from xtransfer.analysis.variance import Differences

ENCODERS = ("tiny@0", "tiny@1", "tiny@2")


def drawn(encoder: str, intermediate: str, seed: int) -> Mapping[str, list[float]]:
    """Right and wrong answers by chance; Swahili has items of its own number, so that there are two strata."""
    rng = np.random.default_rng([*f"{encoder}{intermediate}".encode(), seed])
    sizes = {"en": 60, "de": 60, "sw": 40}
    return {code: (100.0 * (rng.random(size) < 0.6)).tolist() for code, size in sizes.items()}


def uneven(intermediate: str, seed: int) -> bool:
    """Each condition lacks another seed, direct none."""
    return (intermediate, seed) not in {("nli@en", 0), ("nli@de", 1)}


@pytest.fixture(params=["same runs", "runs of their own", "pooled encoders"])
def numbers(request: pytest.FixtureRequest, tmp_path: Path) -> Numbers:
    if request.param == "pooled encoders":
        return make(tmp_path, drawn, encoders=ENCODERS)
    return make(tmp_path, drawn, seeds=(0, 1, 2, 3), only=uneven if "own" in request.param else lambda *_: True)


def comparisons(grid: Grid) -> list[Comparison]:
    return [one for _, one in grid.compared([*gain_rows(grid, "direct"), *contrast_rows(grid)])]


def alone(one: Differences) -> Differences:
    assert one.items is not None
    return replace(one, items=replace(one.items, parts=()))


def test_parts_add_up_to_the_influence_on_the_mean_over_runs(numbers: Numbers) -> None:
    for one in comparisons(Grid(numbers.cells, numbers.store)):
        check_parts(one.differences)


def test_runs_that_weigh_differently_add_up_too(tmp_path: Path) -> None:
    """Pooled encoders weigh the same, with one seed or three."""
    numbers = make(tmp_path, drawn, encoders=ENCODERS)
    results, _ = load(Grid(numbers.cells, numbers.store).points, numbers.store)
    by_place = {(one.point.encoder, one.point.intermediate, one.point.seed): one for one in results}
    runs = [("tiny@0", 0), ("tiny@1", 0), ("tiny@1", 1), ("tiny@1", 2)]
    pairs: dict[tuple[str, int], list[tuple[Result, Result]]] = {
        (encoder, seed): [(by_place[encoder, "nli@de", seed], by_place[encoder, "direct", seed])]
        for encoder, seed in runs
    }
    one = compare(pairs, pooled=True)
    assert one is not None and one.top == "encoders"
    check_parts(one.differences)


def check_parts(one: Differences) -> None:
    assert one.items is not None and one.items.influence
    for stratum, values in one.items.influence.items():
        total = sum(
            (part.influence() @ part.weights for part in one.items.parts if part.stratum == stratum), np.zeros(1)
        )
        np.testing.assert_allclose(total, values.mean(axis=0), atol=1e-10)


def test_intervals_are_those_of_items_drawn_for_each_comparison(numbers: Numbers) -> None:
    made = [one.differences for one in comparisons(Grid(numbers.cells, numbers.store))]
    shared, own = intervals(made, resamples=500), intervals([alone(one) for one in made], resamples=500)
    for one, two in zip(shared, own, strict=True):
        assert one.covers == two.covers
        for name in ("mean", "low", "high"):
            np.testing.assert_allclose(getattr(one, name), getattr(two, name), atol=1e-3)  # points
        np.testing.assert_allclose(one.p, two.p, atol=0.01)  # a tie with zero may fall to either side


def test_joint_draws_are_those_of_items_drawn_for_each_comparison(numbers: Numbers) -> None:
    for one in comparisons(Grid(numbers.cells, numbers.store)):
        shared, own = (joint_draws(each, Counts(300, 0)) for each in (one.differences, alone(one.differences)))
        np.testing.assert_allclose(shared, own, atol=1e-3)


def test_a_question_has_the_same_answer_whatever_was_asked_before(numbers: Numbers) -> None:
    asked = Grid(numbers.cells, numbers.store)
    ways = (
        lambda grid: gains(grid, numbers.store, resamples=300),
        lambda grid: contrasts(grid, numbers.store, resamples=300),
        lambda grid: ranking(grid, resamples=300),
        power,
    )
    for way in ways:
        pd.testing.assert_frame_equal(way(asked), way(Grid(numbers.cells, numbers.store)), rtol=1e-4)


def test_a_contrast_of_two_is_that_of_the_whole_table(numbers: Numbers) -> None:
    pair = ["nli@en", "nli@de"]
    whole = contrasts(numbers.cells, numbers.store, resamples=300)
    cells = [cell for cell in numbers.cells if cell.intermediate.slug in pair]
    two = contrasts(cells, numbers.store, resamples=300)
    found = whole[whole["first"].isin(pair) & whole["second"].isin(pair)].reset_index(drop=True)
    pd.testing.assert_frame_equal(two, found, rtol=1e-4)


def test_draws_that_were_let_go_are_made_again(numbers: Numbers, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [one.differences for one in comparisons(Grid(numbers.cells, numbers.store))]
    counts = Counts(200, 0)
    kept = [counts.item_draws([one])[0] for one in made]
    monkeypatch.setattr(bootstrap, "_KEPT", 3)
    counts = Counts(200, 0)
    for one, before in zip(made, kept, strict=True):
        np.testing.assert_allclose(counts.item_draws([one])[0], before, atol=1e-4)


def test_conditions_that_answer_alike_differ_by_nothing(tmp_path: Path) -> None:
    numbers = make(
        tmp_path, lambda encoder, _, seed: drawn(encoder, "direct", seed), intermediates=("direct", "nli@en")
    )
    found = contrasts(numbers.cells, numbers.store, resamples=300)
    assert (found[["difference", "low", "high"]] == 0).all(axis=None) and (found["p"] == 1).all()
