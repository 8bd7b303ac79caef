"""When a cell's scores mean nothing: its training learned nothing, or all predictions are equal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.results.numbers import make, record_all, status
from xtransfer.results.database import Database
from xtransfer.results.write import record_cell, record_study


def test_a_run_that_learnt_nothing_is_degenerate(db: Database, tmp_path: Path) -> None:
    numbers = make(tmp_path, train_facts=lambda name, seed: {"degenerate": "loss never fell"} if seed == 1 else {})
    record_all(db, numbers)
    assert status(db, numbers.cell("nli@de", 1).key) == (
        "degenerate",
        "train xnli after nli@de seed 1: loss never fell",
    )
    assert status(db, numbers.cell("nli@de", 2).key) == ("done", "")


@pytest.mark.parametrize(
    ("rate", "chance", "expected"), [(0.6, 33.3, "done"), (0.6, 57.0, "degenerate"), (0.3, 33.3, "degenerate")]
)
def test_scores_above_chance_show_that_a_run_learnt_though_its_loss_hardly_fell(
    rate: float, chance: float, expected: str, db: Database, tmp_path: Path
) -> None:
    """With 400 items, an interval reaches five points to each side. In one of three languages, chance says nothing."""
    right = {"en": rate, "de": rate, "tr": 0.3}
    items = {code: [100.0 * (number < 400 * of) for number in range(400)] for code, of in right.items()}
    numbers = make(
        tmp_path, lambda *_: items, intermediates=["direct"], seeds=[0], group_size=1, chance=chance,
        train_facts=lambda *_: {"degenerate": "the loss did not fall"},
    )  # fmt: skip
    record_study(db, numbers.plan)
    assert record_cell(db, "numbers", numbers.cells[0], numbers.store) == expected


def test_a_target_that_learnt_does_not_excuse_its_intermediate(db: Database, tmp_path: Path) -> None:
    good = {"en": [100.0] * 90 + [0.0] * 10}
    numbers = make(
        tmp_path, lambda *_: good, intermediates=["nli@de"], seeds=[0], chance=33.3, steps=lambda name: 30,
        first_facts={"degenerate": "the loss did not fall"},
    )  # fmt: skip
    record_study(db, numbers.plan)
    assert record_cell(db, "numbers", numbers.cells[0], numbers.store) == "degenerate"
    assert status(db, numbers.cells[0].key)[1] == "train nli@de seed 0: the loss did not fall"


def test_constant_predictions_everywhere_are_degenerate(db: Database, tmp_path: Path) -> None:
    numbers = make(tmp_path, lambda *_: {"en": [0.0] * 4, "de": [0.0] * 4}, intermediates=["direct"], seeds=[0])
    record_study(db, numbers.plan)
    assert record_cell(db, "numbers", numbers.cells[0], numbers.store) == "degenerate"
    assert "equal in every language" in status(db, numbers.cells[0].key)[1]
