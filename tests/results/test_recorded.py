"""A finished cell is recorded once for each making of the artifacts behind it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import text

from tests.scoring.finished import Outcome, finish
from xtransfer.base.settings import current
from xtransfer.base.stage import Stage
from xtransfer.results.database import Database, open_database
from xtransfer.results.recorded import unrecorded
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.cells import Cell
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.study import Target


def _study() -> tuple[ArtifactStore, list[Cell]]:
    outcome = Outcome({"en": [("0", 1)]}, {"en": {"accuracy": 50.0}})
    store = finish({(name, 0): {"xcopa": outcome} for name in ("direct", "mnli@en")})
    cells = []
    for key in store.keys():  # noqa: SIM118
        artifact = store.find(key)
        assert artifact is not None
        manifest = artifact.manifest
        if manifest.kind != "score":
            continue
        stage = Stage(manifest.kind, manifest.version, manifest.name, manifest.settings, manifest.inputs)
        after = manifest.name.split(" after ")[1].split(" seed ")[0]
        cells.append(Cell("tiny@0", Intermediate.parse(after), Target.parse("xcopa"), 0, stage))
    return store, cells


def _left(cells: list[Cell], store: ArtifactStore, study: str = "mine") -> list[str]:
    with open_database(current().database_url) as database:
        return sorted(cell.intermediate.slug for cell in unrecorded(database, study, cells, store))


def test_what_is_recorded_is_left_out() -> None:
    store, cells = _study()
    assert _left(cells, store) == []
    assert _left(cells, store, "another study") == ["direct", "mnli@en"]
    assert _left([replace(cells[0], seed=7)], store) == [cells[0].intermediate.slug]


def test_an_artifact_that_was_made_again_is_recorded_again() -> None:
    store, cells = _study()
    again = cells[0].score
    artifact = store.find(again.key)
    assert artifact is not None
    out = store.empty_out(again.key)
    shutil.copytree(artifact.folder, out, dirs_exist_ok=True)
    (out / "manifest.json").unlink()
    store.commit(again, out, {}, "cpu", datetime.now(UTC))
    assert _left(cells, store) == [cells[0].intermediate.slug]


def test_a_cell_without_scores_or_artifact_is_not_recorded() -> None:
    store, cells = _study()
    with open_database(current().database_url) as database:
        _forget(database, cells[0])
    assert _left(cells, store) == [cells[0].intermediate.slug]
    store.remove(cells[1].score.key)
    assert _left(cells, store) == ["direct", "mnli@en"]


def _forget(database: Database, cell: Cell) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE cell SET status = 'planned' WHERE key = :key"), {"key": cell.key})
