"""Results passed on: nothing is lost on the way, only what was asked for goes, and files are whole."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select

from tests.results.numbers import Numbers, make
from tests.results.sent import content, count, receive, recorded, send
from xtransfer.base.errors import RequestError
from xtransfer.results.database import open_database
from xtransfer.results.schema import Base, CellStageRow, CheckpointRow
from xtransfer.results.selection import OWN, moved
from xtransfer.results.write import record_failure


def test_a_round_trip_loses_nothing(numbers: Numbers, ours: str, theirs: str, file: Path) -> None:
    recorded(theirs, numbers)
    with open_database(theirs) as db:
        record_failure(db, "numbers", numbers.cells[0], "a reason of 'quotes' and ünïcode")
    done = receive(ours, send(theirs, file))
    assert done.new == len(numbers.cells) and not done.conflicts
    assert content(ours) == content(theirs)
    assert sorted(path.name for path in file.parent.iterdir() if "partial" in path.name) == []


def test_through_a_server_and_back(numbers: Numbers, ours: str, theirs: str, postgres_url: str, file: Path) -> None:
    recorded(theirs, numbers)
    sent = receive(postgres_url, send(theirs, file))
    assert sent.new == len(numbers.cells) and count(postgres_url, "gains") == count(theirs, "gains") > 0
    assert not any(receive(postgres_url, file).rows.values())
    receive(ours, send(postgres_url, file, force=True))
    assert content(ours) == content(theirs)


def test_importing_twice_is_importing_once(numbers: Numbers, ours: str, theirs: str, file: Path) -> None:
    recorded(theirs, numbers)
    send(theirs, file)
    receive(ours, file)
    before = content(ours)
    again = receive(ours, file)
    assert (again.new, again.completed, again.replaced, again.known) == (0, 0, 0, len(numbers.cells))
    assert not any(again.rows.values())
    assert content(ours) == before


def test_one_study_alone(tmp_path: Path, ours: str, theirs: str, file: Path) -> None:
    recorded(theirs, make(tmp_path / "1", name="first"))
    recorded(theirs, make(tmp_path / "2", name="second", encoders=("other@0",), seeds=(7,)))
    receive(ours, send(theirs, file, studies=["second"]))
    found = content(ours)
    assert [row[0] for row in found["study"]] == ["second"]
    assert [row[0] for row in found["encoder"]] == ["other@0"]
    assert len(found["cell"]) == 3 and len(found["score"]) == 9
    assert {row[1] for row in found["cell_stage"]} == {row[0] for row in found["stage"]}
    with pytest.raises(RequestError, match="no study 'thrid'"):
        send(theirs, file, studies=["thrid"], force=True)


def test_checkpoints_follow_those_that_they_started_from(tmp_path: Path, ours: str, theirs: str, file: Path) -> None:
    """Keys are digests: whatever order rows come in, some children stand before their parents."""
    recorded(theirs, make(tmp_path, steps=lambda intermediate: 100))
    for studies in (None, ["numbers"]):
        send(theirs, file, studies=studies, force=True)
    receive(ours, file)
    assert content(ours) == content(theirs)
    with open_database(ours, read_only=True) as db, db.engine.connect() as connection:
        query = select(CellStageRow.stage, CellStageRow.role, CheckpointRow.parent)
        join = CheckpointRow.stage == CellStageRow.stage
        roles = set(connection.execute(query.join(CheckpointRow, join)).tuples())
    parents = {parent for _, role, parent in roles if role == "target"}
    assert sum(role == "intermediate" for _, role, _ in roles) == 6 and len(parents) == 7


def test_a_server_takes_checkpoints_in_any_order(tmp_path: Path, theirs: str, postgres_url: str, file: Path) -> None:
    recorded(postgres_url, make(tmp_path, steps=lambda intermediate: 100))
    receive(theirs, send(postgres_url, file, studies=["numbers"]))
    assert content(theirs)["checkpoint"] == content(postgres_url)["checkpoint"] != []


@pytest.mark.parametrize("way", ["path", "symbolic link", "hard link", "way round"])
def test_the_database_itself_is_never_replaced(numbers: Numbers, theirs: str, tmp_path: Path, way: str) -> None:
    recorded(theirs, numbers)
    before, own, to = content(theirs), tmp_path / "theirs.db", tmp_path / "to.db"
    if way == "symbolic link":
        to.symlink_to(own)
    elif way == "hard link":
        to.hardlink_to(own)
    else:
        to = own if way == "path" else tmp_path / "artifacts" / ".." / "theirs.db"
    with pytest.raises(RequestError, match="the open database itself"):
        send(theirs, to, force=True)
    assert content(theirs) == before


@pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
@pytest.mark.parametrize("linked", [False, True])
def test_no_file_is_written_beside_a_journal(
    numbers: Numbers, theirs: str, tmp_path: Path, ending: str, linked: bool
) -> None:
    recorded(theirs, numbers)
    (tmp_path / f"live.db{ending}").write_text("a log")
    to = tmp_path / "live.db"
    if linked:
        to.write_text("a database")
        to = tmp_path / "link.db"
        to.symlink_to(tmp_path / "live.db")
    with pytest.raises(RequestError, match=f"live.db{ending} beside it"):
        send(theirs, to, force=True)
    assert to.exists() is linked


def test_a_database_that_a_program_writes_to_is_not_replaced(numbers: Numbers, ours: str, theirs: str) -> None:
    recorded(ours, numbers)
    recorded(theirs, numbers)
    before, to = content(ours), Path(ours.removeprefix("sqlite:///"))
    open_database(ours).close()  # the last writer takes the log with it
    assert not to.with_name("ours.db-wal").exists()
    with pytest.raises(RequestError, match="a program writes to"):
        send(theirs, to, force=True)
    assert content(ours) == before


def test_pandas_opens_the_scores(numbers: Numbers, theirs: str, tmp_path: Path) -> None:
    recorded(theirs, numbers)
    frame = pd.read_parquet(send(theirs, tmp_path / "sent.parquet"))
    assert frame["table"].iloc[0] == "score"
    scores = frame[frame["table"] == "score"]
    assert len(scores) == 27 and scores["value"].dtype == "float64"
    assert set(scores["intermediate"]) == {"direct", "nli@en", "nli@de"} and set(scores["language"]) == {
        "en",
        "de",
        "sw",
    }
    assert list(scores["studies"].iloc[0]) == ["numbers"]
    assert set(frame["table"]) <= {one.name for one in moved()}


def test_every_table_is_moved_but_what_the_program_fills() -> None:
    assert {one.name for one in moved()} | set(OWN) == set(Base.metadata.tables)


def test_files_are_not_overwritten_by_accident(numbers: Numbers, theirs: str, file: Path, tmp_path: Path) -> None:
    recorded(theirs, numbers)
    file.write_text("mine")
    with pytest.raises(RequestError, match=r"exists; .*--force"):
        send(theirs, file)
    assert file.read_text() == "mine"
    send(theirs, file, force=True)
    assert file.stat().st_size > 1000
    for name in ("sent.csv", "nowhere/sent.parquet"):
        with pytest.raises(RequestError, match=r"must end in|no folder"):
            send(theirs, tmp_path / name)


def test_an_export_that_breaks_off_leaves_nothing(
    numbers: Numbers, theirs: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(theirs, numbers)
    file.write_text("mine")

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(RequestError, match=r"cannot be written \(No space left"):
        send(theirs, file, force=True)
    assert file.read_text() == "mine"
    assert not [path for path in file.parent.iterdir() if "partial" in path.name]


@pytest.mark.parametrize(
    "name", [f"{'a' * 250}.parquet", f"{'a' * 240}.parquet", "/proc/x.parquet", "/proc/x.sqlite", "/dev/null/x.parquet"]
)
def test_a_file_that_cannot_be_written_is_named(theirs: str, numbers: Numbers, tmp_path: Path, name: str) -> None:
    recorded(theirs, numbers)
    with pytest.raises(RequestError, match=r"(parquet|sqlite): (cannot be written|no folder)"):
        send(theirs, tmp_path / name)
    assert [file.name for file in tmp_path.iterdir() if "partial" in file.name or "aaa" in file.name] == []
