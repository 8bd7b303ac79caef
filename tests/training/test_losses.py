from __future__ import annotations

import math

import pytest

from xtransfer.kinds.spec import Encoded
from xtransfer.kinds.uninformed import uninformed_loss
from xtransfer.training.losses import curve, degenerate, summary


def encoded(targets: list[object], options: int = 1) -> list[Encoded]:
    return [Encoded(((0, 1),) * options, None, target) for target in targets]


def test_what_ignoring_the_input_costs() -> None:
    assert uninformed_loss(encoded([0, 1, 2])) == pytest.approx(math.log(3))
    assert uninformed_loss(encoded([0, 0, 0, 1])) == pytest.approx(0.562335)
    assert uninformed_loss(encoded([0, 1, 1], options=2)) == pytest.approx(math.log(2))
    assert uninformed_loss(encoded([[0, 1], [2]])) is None
    assert uninformed_loss(encoded([(0, 1), (2,)])) == pytest.approx(math.log(3))
    assert uninformed_loss(encoded([(0, 0, 0), (1,)], options=2)) == pytest.approx(0.562335), "words, not sentences"
    assert uninformed_loss(encoded([((0, 1),), ((2, 3),)])) is None


@pytest.mark.parametrize(
    ("losses", "uninformed", "reason"),
    [
        ([1.1] * 50 + [0.6] * 50, math.log(3), None),
        ([1.5] * 50 + [1.098] * 50, math.log(3), "did not fall"),  # fell, to what a constant answer reaches
        ([0.05] * 100, math.log(3), None),  # a carried head that has nothing left to learn
        ([0.0] * 100, 0.0, None),  # one label alone
        ([1.0, math.nan, 1.0], math.log(3), "nan at step 2"),
        ([1.0, math.inf], None, "inf at step 2"),
        ([5.0] * 100, None, "did not fall"),
        ([5.0] * 50 + [4.0] * 50, None, None),
        ([5.0] * 10, None, None),  # too short to tell
    ],
)
def test_degenerate(losses: list[float], uninformed: float | None, reason: str | None) -> None:
    said = degenerate("nli", losses, uninformed)
    if reason is None:
        assert said is None
    else:
        assert said is not None and said.startswith("nli: ") and reason in said and "learning rate" in said


def test_curve_keeps_the_mean_and_the_end() -> None:
    points = curve([float(step) for step in range(1, 1001)])
    assert len(points) == 200 and points[0] == [5, 3.0] and points[-1] == [1000, 998.0]
    assert curve([1.0, 0.5]) == [[1, 1.0], [2, 0.5]]
    assert curve([1.0, math.nan]) == [[1, 1.0]]


def test_summary_is_json() -> None:
    facts = summary([2.0, 1.0, math.nan])
    assert facts["steps"] == 3 and facts["loss_first"] == 2.0 and facts["loss_last"] is None
