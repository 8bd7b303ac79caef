"""What a run that keeps scores alone removes, and what stays because someone needs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.results.numbers import Numbers, make, record_all
from xtransfer.analysis import gains
from xtransfer.analysis.points import load, study_points
from xtransfer.base.errors import RequestError
from xtransfer.base.stage import Stage
from xtransfer.results.database import Database, open_database
from xtransfer.results.recorded import unrecorded
from xtransfer.results.scored_checkpoints import ScoredCheckpoints
from xtransfer.results.users import announce
from xtransfer.results.write import record_study
from xtransfer.study.cells import Cell, Plan
from xtransfer.study.stage_settings import ScoreSettings


@pytest.fixture
def numbers(tmp_path: Path) -> Numbers:
    """Three intermediates; the one in German learned nothing."""
    bad = lambda name, seed: {"degenerate": "the loss never fell"} if name == "nli@de" else {}  # noqa: E731
    return make(tmp_path, train_facts=bad)


@pytest.fixture
def db(numbers: Numbers, tmp_path: Path) -> Iterator[Database]:
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as found:
        record_all(found, numbers)
        announce(found, numbers.store)
        yield found


def removed_by(db: Database, numbers: Numbers, cell: Cell, *more: Stage) -> int:
    """How many checkpoints the scores of a cell remove, in a plan that has `more` stages."""
    found = ScoredCheckpoints(db, numbers.store, numbers.plan.study.name, (*numbers.plan.stages, *more))
    found.scored(cell.score)
    return len(found.removed)


def gains_of(db: Database, numbers: Numbers) -> pd.DataFrame:
    return gains(study_points(db, numbers.plan.study.name), numbers.store)


def test_a_checkpoint_goes_with_its_last_score_and_the_cell_stays_recorded(db: Database, numbers: Numbers) -> None:
    before, cell = gains_of(db, numbers), numbers.cell("nli@en", 0)
    (train,) = cell.score.inputs.values()
    assert removed_by(db, numbers, cell) == 1 and numbers.store.find(train) is None
    assert not list(unrecorded(db, numbers.plan.study.name, numbers.cells, numbers.store))
    assert before.equals(gains_of(db, numbers)), "intervals over items too"
    others = {stage.key for stage in numbers.plan.stages if stage.kind == "train"} - {train}
    assert all(numbers.store.find(key) for key in others)


def test_a_cell_that_learned_nothing_stays_so(db: Database, numbers: Numbers) -> None:
    cell = numbers.cell("nli@de", 0)
    assert removed_by(db, numbers, cell) == 1
    points = [one for one in study_points(db, numbers.plan.study.name) if one.score_stage == cell.score.key]
    ((result,), _) = load(points, numbers.store)
    assert "the loss never fell" in result.degenerate


def test_a_checkpoint_waits_for_all_scores_of_its_study(db: Database, numbers: Numbers) -> None:
    cell = numbers.cell("nli@en", 0)
    settings = ScoreSettings.of(cell.score)
    assert settings is not None
    assert removed_by(db, numbers, cell, settings.model_copy(update={"rows": 5}).stage("score some")) == 0


def test_what_another_study_needs_stays(db: Database, numbers: Numbers) -> None:
    other = numbers.plan.study.with_settings({"name": "other"})
    record_study(db, Plan(other, numbers.plan.cells, numbers.plan.stages))
    assert removed_by(db, numbers, numbers.cell("nli@en", 0)) == 0


def test_a_store_of_several_databases_keeps_everything(db: Database, numbers: Numbers, tmp_path: Path) -> None:
    with open_database(f"sqlite:///{tmp_path / 'two'}.db") as two:
        record_all(two, numbers)
        announce(two, numbers.store)
    with pytest.raises(RequestError, match="other databases"):
        removed_by(db, numbers, numbers.cell("nli@en", 0))
