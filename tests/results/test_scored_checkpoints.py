"""What a run that keeps scores alone removes, and what stays because someone needs it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tests.results.numbers import Numbers, make, record_all
from xtransfer.analysis import gains
from xtransfer.analysis.points import load, study_points
from xtransfer.base.errors import RequestError
from xtransfer.results.database import Database, open_database
from xtransfer.results.recorded import unrecorded
from xtransfer.results.scored_checkpoints import ScoredCheckpoints
from xtransfer.results.users import announce
from xtransfer.results.write import record_study
from xtransfer.study.cells import Plan


def gains_of(db: Database, numbers: Numbers) -> pd.DataFrame:
    return gains(study_points(db, numbers.plan.study.name), numbers.store)


def test_a_checkpoint_goes_with_its_last_score_and_the_cell_stays_recorded(tmp_path: Path) -> None:
    numbers = make(tmp_path)
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_all(db, numbers)
        announce(db, numbers.store)
        plan = numbers.plan
        before = gains_of(db, numbers)
        spare = ScoredCheckpoints(db, numbers.store, plan.study.name, plan.stages)
        score = plan.cells[-1].score
        (train,) = score.inputs.values()
        spare.scored(score)
        assert numbers.store.find(train) is None and len(spare.removed) == 1
        assert not list(unrecorded(db, plan.study.name, plan.cells, numbers.store))
        assert before.equals(gains_of(db, numbers)), "intervals over items too"
        fresh = {stage.key for stage in plan.stages if stage.kind == "train"} - {train}
        assert all(numbers.store.find(key) for key in fresh)


def test_a_cell_that_learned_nothing_stays_so(tmp_path: Path) -> None:
    bad = lambda name, seed: {"degenerate": "the loss never fell"} if name == "nli@de" else {}  # noqa: E731
    numbers = make(tmp_path, train_facts=bad)
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_all(db, numbers)
        announce(db, numbers.store)
        spare = ScoredCheckpoints(db, numbers.store, numbers.plan.study.name, numbers.plan.stages)
        cell = numbers.cell("nli@de", 0)
        spare.scored(cell.score)
        points = [one for one in study_points(db, numbers.plan.study.name) if one.score_stage == cell.score.key]
        ((result,), _) = load(points, numbers.store)
        assert spare.removed and "the loss never fell" in result.degenerate


def test_what_another_study_needs_stays(tmp_path: Path) -> None:
    numbers = make(tmp_path)
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_all(db, numbers)
        announce(db, numbers.store)
        plan = numbers.plan
        other = replace(plan, study=plan.study.with_settings({"name": "other"}))
        record_study(db, Plan(other.study, other.cells, other.stages))
        score = plan.cells[-1].score
        spare = ScoredCheckpoints(db, numbers.store, plan.study.name, plan.stages)
        spare.scored(score)
        assert spare.removed == [] and all(numbers.store.find(key) for key in score.inputs.values())


def test_a_store_of_several_databases_keeps_everything(tmp_path: Path) -> None:
    numbers = make(tmp_path)
    for name in ("one", "two"):
        with open_database(f"sqlite:///{tmp_path / name}.db") as db:
            record_all(db, numbers)
            announce(db, numbers.store)
    with open_database(f"sqlite:///{tmp_path / 'one'}.db") as db, pytest.raises(RequestError, match="other databases"):
        ScoredCheckpoints(db, numbers.store, "numbers", numbers.plan.stages)
