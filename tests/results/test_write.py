"""Writing: idempotent, whole or not at all, from many processes at once."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, select

from tests.results.numbers import Numbers, make, record_all, right, status
from tests.running import forks
from xtransfer.base.errors import RequestError, StoreError
from xtransfer.results.database import Database, open_database
from xtransfer.results.predictions import Predictions
from xtransfer.results.schema import (
    Base,
    CellMeanRow,
    CellRow,
    CellStageRow,
    PlannedStageRow,
    PredictionRow,
    ScoreRow,
    StageRow,
    StudyCellRow,
)
from xtransfer.results.upsert import table_of
from xtransfer.results.write import record_cell, record_failure, record_study

KNOWN = ("language", "metric", "suite_part", "published", "identity")  # what every database holds


def contents(db: Database) -> dict[str, list[Any]]:
    """Every row of every table, but for what every database holds."""
    with db.begin() as connection:
        return {
            table.name: sorted(map(str, connection.execute(select(table))))
            for table in Base.metadata.sorted_tables
            if table.name not in KNOWN
        }


def test_writing_twice_gives_the_same_rows(db: Database, numbers: Numbers) -> None:
    record_all(db, numbers)
    once = contents(db)
    assert {name: len(rows) for name, rows in once.items()} == {
        "study": 1, "cell": 9, "study_cell": 9, "stage": 19, "cell_stage": 27, "score": 27, "cell_mean": 9,
        "encoder": 1, "checkpoint": 10, "prediction": 9, "benchmark": 1, "cell_benchmark": 9, "translation": 0,
        "watched_checkpoint": 0, "checkpoint_run": 0, "planned_stage": 19,
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


def test_a_study_needs_what_its_last_plan_says(db: Database, numbers: Numbers, tmp_path: Path) -> None:
    def needed() -> set[str]:
        with db.begin() as connection:
            return set(connection.scalars(select(PlannedStageRow.stage)))

    record_study(db, numbers.plan)
    assert needed() == {stage.key for stage in numbers.plan.stages}
    checkpoint = numbers.store.find(numbers.plan.stages[1].key)
    assert checkpoint is not None
    score = replace(numbers.cells[0].score, inputs={}, places={"checkpoint": str(checkpoint.folder)})
    cell = replace(numbers.cells[0], score=score)
    record_study(db, replace(numbers.plan, cells=(cell,), stages=(*numbers.plan.stages[:1], score)))
    assert needed() == {numbers.plan.stages[0].key, checkpoint.key, score.key}


def test_a_study_must_be_recorded_first(db: Database, numbers: Numbers) -> None:
    with pytest.raises(RequestError, match="study 'numbers' is not in the database"):
        record_cell(db, "numbers", numbers.cells[0], numbers.store)
    assert not any(contents(db).values())


@pytest.mark.parametrize("value", [250.0, float("nan"), float("inf")])
def test_impossible_numbers_are_refused_whole(db: Database, tmp_path: Path, value: float) -> None:
    numbers = make(tmp_path, lambda *_: {"en": [50.0], "de": [value, 0.0]}, intermediates=["direct"], seeds=[0])
    record_study(db, numbers.plan)
    before = contents(db)
    with pytest.raises(StoreError, match=r"rejects its scores"):
        record_cell(db, "numbers", numbers.cells[0], numbers.store)
    assert contents(db) == before


def test_an_unknown_language_is_refused_whole(db: Database, tmp_path: Path) -> None:
    numbers = make(tmp_path, lambda *_: {"en": right(3), "tlh": right(2)}, intermediates=["direct"], seeds=[0])
    record_study(db, numbers.plan)
    before = contents(db)
    with pytest.raises(StoreError, match=r"rejects its scores \(.*(FOREIGN KEY|fk_score_language)"):
        record_cell(db, "numbers", numbers.cells[0], numbers.store)
    assert contents(db) == before


def test_a_cell_without_artifact_is_an_error(db: Database, tmp_path: Path) -> None:
    numbers = make(tmp_path, only=lambda name, seed: False)
    record_study(db, numbers.plan)
    with pytest.raises(StoreError, match="no scores in the artifact store"):
        record_cell(db, "numbers", numbers.cells[0], numbers.store)


def test_facts_that_no_stage_writes_are_an_error(db: Database, numbers: Numbers) -> None:
    record_study(db, numbers.plan)
    cell = numbers.cells[0]
    file = numbers.store.root / cell.score.key[:2] / cell.score.key / "manifest.json"
    manifest = json.loads(file.read_text())
    file.write_text(json.dumps(manifest | {"facts": {"degenerate": [1]}}))
    with pytest.raises(StoreError, match="facts of a stage are not those that stages write"):
        record_cell(db, numbers.plan.study.name, cell, numbers.store)


def test_a_missing_input_is_an_error(db: Database, numbers: Numbers) -> None:
    record_study(db, numbers.plan)
    numbers.store.remove(numbers.cells[0].score.inputs["checkpoint"])
    with pytest.raises(StoreError, match=r"input 'checkpoint'.*is gone"):
        record_cell(db, "numbers", numbers.cells[0], numbers.store)


def _write_all(url: str, numbers: Numbers, own: Numbers) -> None:
    with open_database(url) as db:
        for _ in range(2):
            record_all(db, numbers)
        record_all(db, own)


def test_eight_writers_at_once(db: Database, url: str, numbers: Numbers, tmp_path: Path) -> None:
    """All write the cells of one study, and each those of a study of its own."""
    own = [make(tmp_path / name, name=name, encoders=(f"{name}@0",), seeds=[0]) for name in "abcdefgh"]
    db.close()
    writers = [forks().Process(target=_write_all, args=(url, numbers, one)) for one in own]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=300)
    assert [writer.exitcode for writer in writers] == [0] * 8
    together = {name: len(rows) for name, rows in contents(db).items()}
    assert {name: together[name] for name in ("study", "cell", "study_cell", "cell_mean", "prediction")} == {
        "study": 9, "cell": 9 + 8 * 3, "study_cell": 9 + 8 * 3, "cell_mean": 9 + 8 * 3, "prediction": 9 + 8 * 3,
    }  # fmt: skip
    assert (together["score"], together["encoder"], together["stage"]) == (27 + 8 * 9, 9, 19 + 8 * 7)


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
    reached = forks().Event()
    writer = forks().Process(target=_stop_in_mid_transaction, args=(url, numbers, reached))
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
        trained = select(StageRow.settings).join(CellStageRow, CellStageRow.stage == StageRow.key)
        (settings,) = connection.scalars(trained.where(CellStageRow.cell == cell.key, CellStageRow.phase == 0))
    pretrained = next(stage for stage in numbers.plan.stages if stage.kind == "pretrain")
    (trained_with,) = (
        stage.settings["recipe"] for stage in numbers.plan.stages if stage.key in cell.score.inputs.values()
    )
    assert row.encoder_revision == pretrained.key
    assert (row.intermediate_language, row.intermediate_engine) == ("de", "")
    assert settings["recipe"]["epochs"] == 3 and settings["recipe"]["learning_rate"] == 2e-5
    assert settings["recipe"]["clip_norm"] == 1.0 and "clip_norm" not in trained_with


def test_every_gain_has_its_baseline(db: Database, numbers: Numbers) -> None:
    record_study(db, numbers.plan)
    query = select(StudyCellRow.cell, StudyCellRow.baseline)
    with db.begin() as connection:
        planned = dict(connection.execute(query).tuples().all())
    for cell in numbers.cells:
        direct = numbers.cell("direct", cell.seed).key
        assert planned[cell.key] == (None if cell.key == direct else direct)
        record_cell(db, "numbers", cell, numbers.store)
    with db.begin() as connection:
        assert dict(connection.execute(query).tuples().all()) == planned
        connection.execute(delete(StudyCellRow))  # as when another program recorded the study meanwhile
    for cell in numbers.cells:
        record_cell(db, "numbers", cell, numbers.store)
    with db.begin() as connection:
        assert dict(connection.execute(query).tuples().all()) == planned


def test_means_are_of_cells_that_learnt_something(db: Database, tmp_path: Path) -> None:
    numbers = make(tmp_path, train_facts=lambda name, seed: {"degenerate": "flat"} if seed == 1 else {}, seeds=[0, 1])
    record_all(db, numbers)
    with db.begin() as connection:
        means = {row.cell: row for row in connection.execute(select(table_of(CellMeanRow)))}
    assert set(means) == {cell.key for cell in numbers.cells if cell.seed == 0}
    row = means[numbers.cell("nli@de", 0).key]
    assert (row.value, row.unseen, row.num_languages) == (pytest.approx(160 / 3), 55, 3)


def test_scores_have_intervals_and_predictions_a_reference(db: Database, numbers: Numbers) -> None:
    record_all(db, numbers)
    cell = numbers.cell("nli@de", 0)
    entry = numbers.store.find(cell.score.key).manifest.files["predictions.parquet"]  # type: ignore[union-attr]
    with db.begin() as connection:
        row = connection.execute(select(table_of(PredictionRow)).where(PredictionRow.cell == cell.key)).one()
        ends = connection.execute(select(ScoreRow.value, ScoreRow.low, ScoreRow.high)).all()
    assert (row.artifact, row.file, row.num_rows) == (cell.score.key, "predictions.parquet", 30)
    assert row.sha256 == entry.sha256
    assert len(ends) == 27 and all(0 <= low < value < high <= 100 for value, low, high in ends)


def test_a_metric_without_points_per_item_has_no_interval(db: Database, tmp_path: Path) -> None:
    record_all(db, make(tmp_path, with_items=False))
    with db.begin() as connection:
        assert set(connection.execute(select(ScoreRow.low, ScoreRow.high)).tuples()) == {(None, None)}


def test_predictions_are_read_once(db: Database, numbers: Numbers, monkeypatch: pytest.MonkeyPatch) -> None:
    record_all(db, numbers)
    once = contents(db)
    monkeypatch.setattr(Predictions, "intervals", lambda self: pytest.fail("read again"))
    record_all(db, numbers)
    assert contents(db) == once


def test_the_database_can_be_opened_again(db: Database, url: str, numbers: Numbers) -> None:
    record_all(db, numbers)
    with open_database(url, read_only=True) as again:
        assert contents(again) == contents(db)
