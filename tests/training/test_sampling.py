"""Who takes turns in a mixture, and that a run can begin at any step."""

from __future__ import annotations

from collections import Counter

import pytest
from pydantic import ValidationError

from xtransfer.base.errors import RequestError
from xtransfer.recipes.mixture import PROPORTIONAL, Sampling
from xtransfer.training.parts import TrainingMixture
from xtransfer.training.sampling import BatchPlan

from .tiny import CHOICE, PAIR, choice_rows, pair_rows

EVEN = [1.0, 1.0, 1.0]


def test_every_row_once_per_epoch_from_any_step() -> None:
    plan = BatchPlan({"a": 10, "b": 7}, batch_size=4, seed=3)
    whole = [next(batch) for batch in [plan.batches(step) for step in range(1, 2 * plan.per_epoch + 1)]]
    batches = plan.batches(1)
    assert whole == [next(batches) for _ in whole]
    for epoch in (whole[: plan.per_epoch], whole[plan.per_epoch :]):
        assert sorted(row for name, rows in epoch for row in rows if name == "a") == list(range(10))
        assert sorted(row for name, rows in epoch for row in rows if name == "b") == list(range(7))
    assert whole[: plan.per_epoch] != whole[plan.per_epoch :]
    assert [name for name, _ in whole] != sorted(name for name, _ in whole)


def test_a_part_goes_on_in_the_next_epoch_where_it_stopped() -> None:
    plan = BatchPlan({"a": 10, "b": 4}, batch_size=4, seed=3, turns={"a": 2, "b": 2})
    assert plan.per_epoch == 4
    batches = plan.batches(1)
    whole = [next(batches) for _ in range(12)]
    assert whole == [next(plan.batches(step)) for step in range(1, 13)]
    seen = [row for name, rows in whole if name == "a" for row in rows]
    assert sorted(seen[:10]) == sorted(seen[10:20]) == list(range(10))  # 6 batches of 4, 4 and 2 rows: two passes
    assert Counter(name for name, _ in whole) == {"a": 6, "b": 6}


def test_in_rotation_one_batch_of_each_comes_after_another() -> None:
    plan = BatchPlan({"a": 9, "b": 3, "c": 3}, 3, 0, turns={"a": 2, "b": 2, "c": 2}, in_rotation=True)
    batches = plan.batches(1)
    assert [next(batches)[0] for _ in range(9)] == ["a", "b", "c"] * 3


@pytest.mark.parametrize(
    ("sampling", "weights", "expected"),
    [
        (PROPORTIONAL, EVEN, [100, 10, 1]),
        (Sampling(cap=100), EVEN, [10, 10, 1]),
        (PROPORTIONAL, [1.0, 10.0, 10.0], [53, 53, 5]),  # shares 100 : 100 : 10 of 111 batches
        (Sampling(temperature=2), EVEN, [78, 25, 8]),  # shares 10 : 3.16 : 1 of 111 batches
        (Sampling(cap=100, temperature=2), EVEN, [9, 9, 3]),  # shares 10 : 10 : 3.16 of 21 batches
        (Sampling(temperature=1000), EVEN, [37, 37, 37]),
        (Sampling(rule="rotation"), EVEN, [37, 37, 37]),
    ],
)
def test_how_often_each_part_has_its_turn(sampling: Sampling, weights: list[float], expected: list[int]) -> None:
    assert sampling.batches([1000, 100, 10], weights, 10) == expected


def test_a_part_that_hardly_counts_still_has_a_turn() -> None:
    assert Sampling(cap=5).batches([1000, 1], [1e6, 1.0], 10)[1] == 1


@pytest.mark.parametrize("slug", ["", ":rotation", ":cap500", ":temperature2.5", ":cap500:temperature5"])
def test_slugs_of_sampling_read_back(slug: str) -> None:
    assert Sampling.parse([mark for mark in slug.split(":") if mark]).slug == slug


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        (["cap0"], "greater than 0"),
        (["temperature0.5"], "greater than or equal to 1"),
        (["cap"], "':cap' is not a valid sampling, expected :capN, :temperatureT or :rotation"),
        (["rotation", "cap5"], "equal turns"),
    ],
)
def test_what_is_no_sampling_is_refused(marks: list[str], said: str) -> None:
    with pytest.raises((ValueError, ValidationError), match=said):
        Sampling.parse(marks)


def test_parts_take_turns_only_under_a_rule_of_their_own() -> None:
    parts = [(PAIR, pair_rows(8)), (PAIR, pair_rows(4)), (CHOICE, choice_rows(4))]
    together = TrainingMixture.of(parts, PROPORTIONAL, [1.0, 1.0, 1.0])
    apart = TrainingMixture.of(parts, Sampling(cap=4), [])
    assert list(together.rows) == ["colours", "choices"]
    assert list(apart.rows) == ["colours, part 1", "colours, part 2", "choices, part 3"]
    assert [one.name for one in apart.benchmarks] == ["colours", "choices"]
    sizes = {"colours, part 1": 8, "colours, part 2": 4, "choices, part 3": 4}
    assert apart.plan(sizes, 4, 0).turns == {"colours, part 1": 1, "colours, part 2": 1, "choices, part 3": 1}
    assert list(TrainingMixture.of(parts, PROPORTIONAL, [1.0, 2.0, 1.0]).rows) == list(apart.rows)


def test_a_part_without_rows_is_named() -> None:
    with pytest.raises(RequestError, match="'choices' has no rows"):
        TrainingMixture.of([(PAIR, pair_rows(4)), (CHOICE, [])], PROPORTIONAL, [])
