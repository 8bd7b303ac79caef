"""Writing: idempotent, whole or not at all, from many processes at once."""

from __future__ import annotations

import json
import multiprocessing
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from tests.results.numbers import Numbers, make
from xtransfer.errors import RequestError, StoreError
from xtransfer.results import Database, open_database, record_cell, record_failure, record_study
from xtransfer.results.schema import Base, CellRow, ScoreRow, StudyCellRow


def contents(db: Database) -> dict[str, list[Any]]:
    """Every row of every table."""
    with db.begin() as connection:
        return {
            table.name: sorted(map(str, connection.execute(select(table)))) for table in Base.metadata.sorted_tables
        }


def record_all(db: Database, numbers: Numbers) -> None:
    record_study(db, numbers.plan)
    for cell in numbers.cells:
        record_cell(db, numbers.plan.study.name, cell, numbers.store)


def test_writing_twice_gives_the_same_rows(db: Database, numbers: Numbers) -> None:
    record_all(db, numbers)
    once = contents(db)
    assert {name: len(rows) for name, rows in once.items()} == {
        "study": 1, "cell": 9, "study_cell": 9, "stage": 19, "cell_stage": 27, "score": 27,
    }  # fmt: skip
    record_all(db, numbers)
    assert contents(db) == once


def test_a_planned_cell_becomes_done_and_stays_so(db: Database, numbers: Numbers) -> None:
    record_study(db, numbers.plan)
    cell = numbers.cells[0]
    assert status(db, cell.key) == ("planned", "")
    assert record_cell(db, "numbers", cell, numbers.store) == "done"
    record_study(db, numbers.plan)
    record_failure(db, "numbers", cell, "a later try was cancelled")
    assert status(db, cell.key) == ("done", "")


def test_a_failure_is_a_row_until_the_cell_succeeds(db: Database, numbers: Numbers) -> None:
    record_study(db, numbers.plan)
    cell = numbers.cells[0]
    record_failure(db, "numbers", cell, "disk full")
    assert status(db, cell.key) == ("failed", "disk full")
    record_cell(db, "numbers", cell, numbers.store)
    assert status(db, cell.key) == ("done", "")


def test_a_run_that_learnt_nothing_is_degenerate(db: Database, tmp_path: Path) -> None:
    numbers = make(tmp_path, train_facts=lambda name, seed: {"degenerate": "loss never fell"} if seed == 1 else {})
    record_all(db, numbers)
    assert status(db, numbers.cell("nli@de", 1).key) == (
        "degenerate",
        "train xnli after nli@de seed 1: loss never fell",
    )
    assert status(db, numbers.cell("nli@de", 2).key) == ("done", "")


def test_constant_predictions_everywhere_are_degenerate(db: Database, tmp_path: Path) -> None:
    numbers = make(tmp_path, lambda *_: {"en": [0.0] * 4, "de": [0.0] * 4}, intermediates=["direct"], seeds=[0])
    record_study(db, numbers.plan)
    assert record_cell(db, "numbers", numbers.cells[0], numbers.store) == "degenerate"
    assert "equal in every language" in status(db, numbers.cells[0].key)[1]


def test_a_changed_study_forgets_cells_that_never_ran(db: Database, tmp_path: Path) -> None:
    before = make(tmp_path / "before", seeds=[0, 1], only=lambda name, seed: seed == 0)
    record_study(db, before.plan)
    for cell in before.cells:
        if cell.seed == 0:
            record_cell(db, "numbers", cell, before.store)
    record_study(db, make(tmp_path / "after", seeds=[7]).plan)
    with db.begin() as connection:
        assert set(connection.scalars(select(CellRow.seed))) == {0, 7}
        assert len(connection.scalars(select(StudyCellRow.cell)).all()) == 3
        assert len(connection.scalars(select(ScoreRow.value)).all()) == 9


def test_a_study_must_be_recorded_first(db: Database, numbers: Numbers) -> None:
    with pytest.raises(RequestError, match="study 'numbers' is not in the database"):
        record_cell(db, "numbers", numbers.cells[0], numbers.store)
    assert not any(contents(db).values())


def test_impossible_numbers_are_refused_whole(db: Database, tmp_path: Path) -> None:
    numbers = make(tmp_path, lambda *_: {"en": [50.0], "de": [250.0, 0.0]}, intermediates=["direct"], seeds=[0])
    record_study(db, numbers.plan)
    before = contents(db)
    with pytest.raises(StoreError, match=r"refuses its numbers.*ck_score_value"):
        record_cell(db, "numbers", numbers.cells[0], numbers.store)
    assert contents(db) == before


def test_a_cell_without_artifact_is_an_error(db: Database, tmp_path: Path) -> None:
    numbers = make(tmp_path, only=lambda name, seed: False)
    record_study(db, numbers.plan)
    with pytest.raises(StoreError, match="no scores in the artifact store"):
        record_cell(db, "numbers", numbers.cells[0], numbers.store)


def test_a_missing_input_is_an_error(db: Database, numbers: Numbers) -> None:
    record_study(db, numbers.plan)
    numbers.store.remove(numbers.cells[0].score.inputs["checkpoint"])
    with pytest.raises(StoreError, match=r"input 'checkpoint'.*is gone"):
        record_cell(db, "numbers", numbers.cells[0], numbers.store)


FORK = multiprocessing.get_context("fork")


def _write_all(url: str, numbers: Numbers) -> None:
    with open_database(url) as db:
        for _ in range(4):
            record_all(db, numbers)


def test_four_writers_at_once(db: Database, url: str, numbers: Numbers) -> None:
    writers = [FORK.Process(target=_write_all, args=(url, numbers)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=120)
    assert [writer.exitcode for writer in writers] == [0] * 4
    together = {name: len(rows) for name, rows in contents(db).items()}
    assert together["cell"] == 9
    assert together["score"] == 27


def _stop_in_mid_transaction(url: str, numbers: Numbers, reached: Any) -> None:
    with open_database(url) as db:

        @event.listens_for(db.engine, "after_cursor_execute")
        def stop(connection: object, cursor: object, statement: str, *_: object) -> None:
            if statement.startswith("INSERT INTO score"):
                reached.set()
                time.sleep(600)

        record_cell(db, "numbers", numbers.cells[0], numbers.store)


def test_killed_in_mid_transaction_leaves_nothing_half(db: Database, url: str, numbers: Numbers) -> None:
    record_study(db, numbers.plan)
    before = contents(db)
    reached = FORK.Event()
    writer = FORK.Process(target=_stop_in_mid_transaction, args=(url, numbers, reached))
    writer.start()
    assert reached.wait(60)
    writer.kill()
    writer.join()
    assert contents(db) == before
    record_cell(db, "numbers", numbers.cells[0], numbers.store)
    assert len(contents(db)["score"]) == 3


def test_revisions_and_recipes_are_kept(db: Database, numbers: Numbers) -> None:
    record_all(db, numbers)
    cell = numbers.cell("nli@de", 1)
    with db.begin() as connection:
        row = connection.execute(select(CellRow).where(CellRow.key == cell.key)).one()
    pretrained = next(stage for stage in numbers.plan.stages if stage.kind == "pretrain")
    assert row.encoder_revision == pretrained.key
    assert (row.intermediate_language, row.intermediate_engine) == ("de", "")
    assert json.dumps(row.recipes["train xnli after nli@de seed 1"]) == '{"epochs": 3, "learning_rate": 2e-05}'


def test_the_database_can_be_opened_again(db: Database, url: str, numbers: Numbers) -> None:
    record_all(db, numbers)
    with open_database(url, read_only=True) as again:
        assert contents(again) == contents(db)


def status(db: Database, key: str) -> tuple[str, str]:
    with db.begin() as connection:
        return tuple(connection.execute(select(CellRow.status, CellRow.reason).where(CellRow.key == key)).one())
