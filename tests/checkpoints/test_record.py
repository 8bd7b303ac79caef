"""What a look writes down: each checkpoint once, and those that are not run with the reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.checkpoints.folders import SHARDS, by_trainer, files, in_shards, put
from xtransfer.results.database import Database, open_database
from xtransfer.results.watched import CheckpointRunRow, WatchedCheckpointRow
from xtransfer.watch import record as module
from xtransfer.watch.record import record
from xtransfer.watch.watch import Watch


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder in which checkpoints appear."""
    return put(tmp_path / "runs", {})


def watch(folder: Path, **more: Any) -> Watch:
    """A watch on the folders below a folder; one that nothing was written to in the last 0 seconds counts."""
    given = {"name": "mine", "sources": [f"{folder}/*"], "evaluate": {"targets": ["xnli"]}, "steady_seconds": 0}
    return Watch.model_validate({**given, **more})


def seen(db: Database) -> dict[str, tuple[str, str]]:
    """Folder name → state and reason."""
    with db.begin() as connection:
        rows = connection.execute(select(WatchedCheckpointRow.__table__).order_by(WatchedCheckpointRow.first_seen))
        return {Path(row.location).name: (row.state, row.reason) for row in rows}


def runs(db: Database) -> list[tuple[str, str, str]]:
    """Watch, folder name and state of each run."""
    with db.begin() as connection:
        rows = connection.execute(select(CheckpointRunRow.__table__).order_by(CheckpointRunRow.recorded_at))
        return [(row.watch, Path(row.location).name, row.state) for row in rows]


def rest(db: Database, seconds: float) -> None:
    """As if the last change had been seen so long ago."""
    with db.begin() as connection:
        moment = datetime.now(UTC) - timedelta(seconds=seconds)
        connection.execute(update(WatchedCheckpointRow).values(changed_at=moment))


def test_a_clock_that_was_set_back_costs_one_wait(db: Database, place: Path) -> None:
    folder = put(place / "checkpoint-1", files())
    for file in folder.iterdir():
        os.utime(file, (2e9, 2e9))
    record(watch(place, steady_seconds=60), db)
    rest(db, -1e6)  # it was recorded before
    record(watch(place, steady_seconds=60), db)
    assert seen(db)["checkpoint-1"][0] == "unfinished"
    with db.begin() as connection:
        changed = connection.scalar(select(WatchedCheckpointRow.changed_at))
    assert changed is not None and changed <= datetime.now(UTC)


def test_each_state_is_recorded_once_with_its_reason(db: Database, place: Path) -> None:
    put(place / "checkpoint-1", files())
    put(place / "checkpoint-2", {**files(2), "model.safetensors": files(2)["model.safetensors"][:-1]})
    put(place / "checkpoint-3", {"config.json": b"{}"})
    put(place / "checkpoint-4", {"config.json": b"{}", "pytorch_model.bin": b"\x80"})
    put(place / "checkpoint-5", by_trainer())
    put(place / "tmp-checkpoint-6", files(6))
    for _ in range(2):
        found = record(watch(place), db)
        assert not found.faults and len(found.sightings) == 6
        states = seen(db)
        assert {name: state for name, (state, _) in states.items()} == {
            "checkpoint-1": "whole", "checkpoint-2": "refused", "checkpoint-3": "unfinished",
            "checkpoint-4": "refused", "checkpoint-5": "repeated", "tmp-checkpoint-6": "unfinished",
        }  # fmt: skip
        assert states["checkpoint-1"][1] == "" and "of 2" in states["checkpoint-2"][1]
        assert "model.safetensors is missing" in states["checkpoint-3"][1]
        assert states["checkpoint-4"][1].startswith("unsafe: ")
        assert states["checkpoint-5"][1] == f"the same checkpoint as {place / 'checkpoint-1'}"
        assert "name of an unfinished checkpoint" in states["tmp-checkpoint-6"][1]
        assert runs(db) == [("mine", "checkpoint-1", "waiting")]
    assert [one.known for one in found.sightings] == [True, True, False, True, True, False]


def test_another_watch_runs_the_same_checkpoint_once_more(db: Database, place: Path) -> None:
    put(place / "one" / "checkpoint-1", files())
    put(place / "two" / "checkpoint-1-copy", files())
    record(watch(place / "one"), db)
    record(watch(place / "two", name="other"), db)
    record(watch(place / "two"), db)
    assert runs(db) == [("mine", "checkpoint-1", "waiting"), ("other", "checkpoint-1-copy", "waiting")]
    assert seen(db)["checkpoint-1-copy"][0] == "repeated"


LAYOUTS: dict[str, Callable[[], dict[str, bytes]]] = {"one file": by_trainer, "shards": in_shards}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("backwards", [False, True])
def test_a_checkpoint_counts_when_its_last_byte_is_there(
    layout: str, backwards: bool, sqlite_url: str, place: Path
) -> None:
    patient = watch(place, steady_seconds=3600)
    with open_database(sqlite_url) as db:
        for name, data in sorted(LAYOUTS[layout]().items(), reverse=backwards):
            for part in (data[: len(data) // 2], data):
                put(place / "checkpoint-1", {name: part})
                record(patient, db)
                assert seen(db)["checkpoint-1"][0] == "unfinished" and not runs(db)
        rest(db, 3601)
        record(patient, db)
        assert seen(db) == {"checkpoint-1": ("whole", "")} and len(runs(db)) == 1


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("lacking", [1, 2, 3])
def test_a_writer_that_stopped_early_leaves_nothing_to_run(
    layout: str, lacking: int, sqlite_url: str, place: Path
) -> None:
    """Of the files that make a checkpoint, the last so many are not there, however long one waits."""
    needed = [name for name in LAYOUTS[layout]() if name in {*files(), *in_shards()} - {"tokenizer_config.json"}]
    content = LAYOUTS[layout]()
    for name in needed[-lacking:]:
        del content[name]
    with open_database(sqlite_url) as db:
        put(place / "checkpoint-1", content)
        record(watch(place), db)
        state, reason = seen(db)["checkpoint-1"]
        assert state == "unfinished" and ("missing" in reason or "no tokenizer" in reason)
        assert not runs(db)


def test_a_file_that_grows_again_is_not_yet_at_rest(db: Database, place: Path) -> None:
    short = {**in_shards(), SHARDS[1]: in_shards()[SHARDS[1]][:-4]}
    put(place / "checkpoint-1", short)
    patient = watch(place, steady_seconds=3600)
    record(patient, db)
    rest(db, 1800)
    record(patient, db)
    assert "s without changes" in seen(db)["checkpoint-1"][1]
    rest(db, 3601)
    record(patient, db)
    assert seen(db)["checkpoint-1"][0] == "refused"  # whoever wrote it has stopped in the middle
    put(place / "checkpoint-1", in_shards())
    record(patient, db)
    assert seen(db)["checkpoint-1"][0] == "unfinished"  # somebody writes after all
    rest(db, 3601)
    record(patient, db)
    assert seen(db)["checkpoint-1"] == ("whole", "")


def test_other_weights_at_the_same_place_are_another_checkpoint(db: Database, place: Path) -> None:
    folder = put(place / "latest", files(1))
    record(watch(place), db)
    put(folder, files(2))
    record(watch(place), db)
    put(folder, files(1))  # the first again
    record(watch(place), db)
    assert runs(db) == [("mine", "latest", "waiting")] * 2
    with db.begin() as connection:
        found = connection.execute(select(WatchedCheckpointRow.digest, CheckpointRunRow.study).join(
            CheckpointRunRow, CheckpointRunRow.digest == WatchedCheckpointRow.digest)).all()  # fmt: skip
    assert len({digest for digest, _ in found}) == len({study for _, study in found}) == 2
    assert all(study == f"mine-latest-{digest[:8]}" for digest, study in found)


def test_what_is_older_is_passed_over(db: Database, place: Path) -> None:
    put(place / "checkpoint-1", files())
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    record(watch(place, since=tomorrow), db)
    assert seen(db) == {} and runs(db) == []
    record(watch(place, since=tomorrow - timedelta(days=2)), db)
    assert runs(db) == [("mine", "checkpoint-1", "waiting")]


def test_a_copy_with_old_times_is_new_here(db: Database, place: Path) -> None:
    folder = put(place / "checkpoint-1", files())
    for file in folder.iterdir():
        os.utime(file, (0, 0))
    record(watch(place, steady_seconds=3600), db)
    assert seen(db)["checkpoint-1"][0] == "unfinished"


def test_one_that_vanishes_and_one_that_cannot_be_read(
    db: Database, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(place / "checkpoint-1", files(1))
    put(place / "checkpoint-2", files(2))

    def inspect(files: Any, *_: Any) -> Any:
        raise FileNotFoundError if "checkpoint-1" in files._folder else PermissionError("not yours")

    with monkeypatch.context() as patched:
        patched.setattr(module, "inspect", inspect)
        record(watch(place), db)
    assert seen(db) == {"checkpoint-2": ("unfinished", "cannot be read: PermissionError: not yours")}
    record(watch(place), db)
    assert [state for state, _ in seen(db).values()] == ["whole", "whole"]


def test_a_source_that_cannot_be_asked_does_not_stop_the_others(
    db: Database, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(place / "checkpoint-1", files())
    monkeypatch.setattr("xtransfer.base.hub.PAUSES", ())
    offline = "hf://someone/model"  # tests have HF_HUB_OFFLINE set
    found = record(watch(place, sources=[offline, f"{place}/*"]), db)
    assert list(found.faults) == [offline] and "XTRANSFER_HUB_DIR" in found.faults[offline]
    assert len(runs(db)) == 1
