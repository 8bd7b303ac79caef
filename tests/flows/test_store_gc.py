"""`xtransfer store gc`: what a recorded study or score needs stays, in whatever database; the rest is asked for."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete
from typer.testing import CliRunner

from flows import cli
from tests.results.numbers import Numbers, make
from tests.running import MINUTES, ROOT, environment
from xtransfer.base.errors import RequestError, StoreError
from xtransfer.base.stage import Stage
from xtransfer.results import unused as module
from xtransfer.results.database import open_database
from xtransfer.results.schema import PlannedStageRow
from xtransfer.results.users import announce
from xtransfer.results.write import record_cell, record_study
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.store.content import Content
from xtransfer.store.local import LocalArtifacts

BASE = Stage("pretrain", 1, "pretrain something", {"seed": 1})
STRAY = Stage("train", 1, "train alone", {"seed": 1}, {"start": BASE.key})
DAY = 86_400


def _url(home: Path) -> str:
    return f"sqlite:///{home / 'results.db'}"


def _record(home: Path, numbers: Numbers, cells: int | None = None) -> None:
    """What a run of the study writes after so many cells."""
    home.mkdir(exist_ok=True)
    with open_database(_url(home)) as db:
        announce(db, numbers.store)
        record_study(db, numbers.plan)
        for cell in numbers.cells[:cells]:
            record_cell(db, numbers.plan.study.name, cell, numbers.store)


def _make(store: ArtifactStore, *stages: Stage) -> None:
    for stage in stages:
        out = store.empty_out(stage.key)
        (out / "model.txt").write_text("weights " * 250_000)
        store.commit(stage, out, {}, "cpu", datetime.now(UTC))


def _older(folder: Path, days: float = 30) -> None:
    """Let everything below a folder be so old."""
    when = time.time() - days * DAY
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (when, when))


def _gc(*arguments: str) -> str:
    done = CliRunner().invoke(cli.app, ["store", "gc", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def numbers(home: Path) -> Numbers:
    """A recorded study with four cells of nine finished; it has made artifacts for all, a month ago."""
    made = make(home)
    _record(home, made, cells=4)
    _older(home / "artifacts")
    return made


def test_what_an_unfinished_study_has_made_stays(numbers: Numbers) -> None:
    assert "to remove: 0 artifacts" in _gc("--yes")
    assert {stage.key for stage in numbers.plan.stages} == set(numbers.store.keys())


def test_scores_keep_their_artifacts_when_the_study_is_narrowed(numbers: Numbers, home: Path) -> None:
    _record(home, numbers)
    study = numbers.plan.study.model_copy(update={"seeds": (10,)})
    score = Stage("score", 1, "score xnli", {"seed": 10})
    cells = (replace(numbers.cells[0], seed=10, score=score),)
    with open_database(_url(home)) as db:
        record_study(db, replace(numbers.plan, study=study, cells=cells, stages=(score,)))
    _older(home / "artifacts")
    assert "to remove: 0 artifacts" in _gc("--yes")
    assert {stage.key for stage in numbers.plan.stages} == set(numbers.store.keys())


def test_what_nothing_needs_goes_when_it_is_old(numbers: Numbers, home: Path) -> None:
    _make(numbers.store, BASE, STRAY)
    assert "to remove: 0 artifacts" in _gc("--yes"), "just made by a command that records no study"
    _older(home / "artifacts", 6)
    assert "to remove: 0 artifacts" in _gc("--yes")
    _older(numbers.store._local.folder(BASE.key), 8)
    assert "to remove: 0 artifacts" in _gc("--yes"), "a younger artifact was made from it"
    _older(home / "artifacts", 8)
    numbers.store.used(STRAY.key)
    assert "to remove: 0 artifacts" in _gc("--yes"), "a command has gone on from it"
    assert "to remove: 2 artifacts" in _gc("--min-age", "0", "--dry-run")
    _older(home / "artifacts", 8)
    said = _gc("--yes")
    line = next(line.split() for line in said.splitlines() if "train alone" in line)
    assert line == [STRAY.key[:12], "train", "alone", "not", "needed", "8.0", "2.0"]
    assert "to remove: 2 artifacts and unfinished stages, 4.0 MB" in said
    assert "removed 2 artifacts and unfinished stages, 4.0 MB" in said
    assert {stage.key for stage in numbers.plan.stages} == set(numbers.store.keys())


def test_what_runs_is_neither_counted_nor_removed(numbers: Numbers, home: Path) -> None:
    _make(numbers.store, STRAY)
    (numbers.store.empty_out(BASE.key) / "half.txt").write_text("half")
    _older(home / "artifacts")
    with numbers.store.lease(BASE.key) as first, numbers.store.lease(STRAY.key) as second:
        assert first and second
        assert "to remove: 0 artifacts" in _gc("--dry-run")
        assert "to remove: 0 artifacts" in _gc("--yes")
    assert numbers.store.find(STRAY.key) and numbers.store.unfinished() == [BASE.key]
    assert "removed 2 artifacts and unfinished stages" in _gc("--yes")
    assert not numbers.store.find(STRAY.key) and not numbers.store.unfinished()


def test_what_killed_stages_left_goes_unless_a_study_goes_on_from_it(numbers: Numbers, home: Path) -> None:
    planned, done = numbers.plan.stages[-1], numbers.plan.stages[0]
    numbers.store.remove(planned.key)
    for stage in (planned, done, BASE, STRAY):
        numbers.store.empty_out(stage.key)
        (numbers.store.state(stage.key) / "state.bin").write_text("hours of training")
    _older(home / "artifacts")
    _older(numbers.store.state(STRAY.key).parent, 1)
    said = _gc("--yes")
    assert "not finished" in said and "left over" in said and "removed 2 artifacts" in said
    assert sorted(numbers.store.unfinished()) == sorted([planned.key, STRAY.key])
    assert numbers.store.find(done.key)


def test_without_a_terminal_nothing_goes_unless_it_was_said(numbers: Numbers, home: Path) -> None:
    _make(numbers.store, STRAY)
    _older(home / "artifacts")
    with pytest.raises(RequestError, match="--yes removes without asking"):
        _gc()
    assert "train alone" in _gc("--dry-run")
    assert numbers.store.find(STRAY.key)


@pytest.mark.parametrize(("answer", "goes"), [("n", False), ("", False), ("y", True)])
def test_in_a_terminal_it_asks(numbers: Numbers, home: Path, answer: str, goes: bool) -> None:
    _make(numbers.store, STRAY)
    _older(home / "artifacts")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "flows.cli", "store", "gc"]
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(
        command, cwd=ROOT, env=environment(home, {}), stdin=theirs, capture_output=True, text=True,
        timeout=2 * MINUTES, check=True,
    )  # fmt: skip
    assert "train alone" in done.stdout and "remove all of this?" in done.stdout
    assert (numbers.store.find(STRAY.key) is None) is goes
    assert ("nothing was removed" in done.stdout) is not goes


def test_another_database_does_not_decide_about_a_store(
    numbers: Numbers, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty, or with another study that uses another store: it knows nothing of what is needed here."""
    other = tmp_path / "other"
    _record(other, make(other, name="others"))
    monkeypatch.setenv("XTRANSFER_HOME", str(other))
    monkeypatch.setenv("XTRANSFER_STORE", str(home / "artifacts"))
    for option in ("--yes", "--dry-run"):
        with pytest.raises(RequestError, match="does not know this store"):
            _gc(option, "--min-age", "0")
    assert len(list(numbers.store.keys())) == len(numbers.plan.stages)


@pytest.mark.parametrize("said", ["url", "file", "home"])
def test_what_other_databases_need_stays(numbers: Numbers, home: Path, tmp_path: Path, said: str) -> None:
    other = tmp_path / "other"
    theirs = make(home, name="others", seeds=(7,))
    _record(other, theirs)
    _make(numbers.store, STRAY)
    _older(home / "artifacts")
    with pytest.raises(RequestError, match=r"(?s)other databases use this store.*other/results.db.*--also"):
        _gc("--yes")
    assert numbers.store.find(STRAY.key)
    with pytest.raises(RequestError, match="no results here yet"):
        _gc("--yes", "--also", str(tmp_path / "nowhere"))
    also = {"url": _url(other), "file": str(other / "results.db"), "home": str(other)}[said]
    assert "removed 1 artifacts" in _gc("--yes", "--also", also)
    assert {stage.key for one in (numbers, theirs) for stage in one.plan.stages} == set(numbers.store.keys())


def test_a_copy_of_a_database_is_another_one(numbers: Numbers, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the same identity; what was recorded in either since is in neither's rows."""
    copy = home.parent / "copy"
    copy.mkdir()
    shutil.copy(home / "results.db", copy)
    monkeypatch.setenv("XTRANSFER_HOME", str(copy))
    monkeypatch.setenv("XTRANSFER_STORE", str(home / "artifacts"))
    with pytest.raises(RequestError, match="does not know this store"):
        _gc("--yes")
    _record(copy, numbers)
    with pytest.raises(RequestError, match="other databases use this store"):
        _gc("--yes")


def test_a_home_may_be_moved_and_copied(numbers: Numbers, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved, copy = home.with_name("moved"), home.with_name("copy")
    home.rename(moved)
    monkeypatch.setenv("XTRANSFER_HOME", str(moved))
    assert "to remove: 0 artifacts" in _gc("--yes")
    _record(moved, replace(numbers, store=ArtifactStore(moved / "artifacts")))
    shutil.copytree(moved, copy)
    monkeypatch.setenv("XTRANSFER_HOME", str(copy))
    _record(copy, replace(numbers, store=ArtifactStore(copy / "artifacts")))
    assert "to remove: 0 artifacts" in _gc("--yes")


def test_an_unreadable_mark_is_somebodys(numbers: Numbers, home: Path) -> None:
    (home / "artifacts" / ".databases" / "x.json").write_text("{")
    with pytest.raises(RequestError, match=r"unreadable mark \(marked by .*x\.json\)"):
        _gc("--yes")


def test_a_store_that_cannot_be_marked_is_used_all_the_same(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    home.mkdir()
    cause: OSError = PermissionError(13, "Permission denied")

    def refuse(*_: object) -> None:
        raise StoreError("cannot write") from cause

    monkeypatch.setattr(LocalArtifacts, "mark", refuse)
    with open_database(_url(home)) as db:
        announce(db, ArtifactStore(home / "artifacts"))
        assert "cannot write" in caplog.text
        cause = OSError(28, "No space left on device")
        with pytest.raises(StoreError, match="cannot write"):
            announce(db, ArtifactStore(home / "artifacts"))


def test_a_study_of_an_older_program_is_not_taken_for_finished(numbers: Numbers, home: Path) -> None:
    with open_database(_url(home)) as db, db.begin() as connection:
        connection.execute(delete(PlannedStageRow))
    with pytest.raises(RequestError, match=r"unfinished studies need.*: numbers\. Run them again"):
        _gc("--yes")
    _record(home, numbers)
    with open_database(_url(home)) as db, db.begin() as connection:
        connection.execute(delete(PlannedStageRow))
    assert "to remove: 0 artifacts" in _gc("--yes")


@pytest.mark.parametrize("when", ["while it is listed", "while it is asked for", "while it goes"])
def test_what_is_recorded_meanwhile_stays(
    numbers: Numbers, home: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    _make(numbers.store, BASE, STRAY)
    _older(home / "artifacts")
    study = numbers.plan.study.model_copy(update={"name": "late"})
    score = Stage("score", 1, "score late", {"seed": 1}, {"checkpoint": STRAY.key})
    cell = replace(numbers.cells[0], score=score)
    late = replace(numbers.plan, study=study, cells=(cell,), stages=(BASE, STRAY, score))

    def record() -> None:
        with open_database(_url(home)) as db:
            record_study(db, late)
        _make(numbers.store, score)

    _call_before(monkeypatch, when, record)
    _gc("--yes", "--min-age", "0")
    assert {BASE.key, STRAY.key, score.key} <= set(numbers.store.keys())


def _call_before(monkeypatch: pytest.MonkeyPatch, when: str, call: Callable[[], None]) -> None:
    """Have something happen once, in the middle of `gc`."""
    listed, clear, needs = ArtifactStore.contents, module.clear, module._needs
    waiting = [call]

    def once() -> None:
        for one in waiting[:]:
            waiting.clear()
            one()

    def contents(store: ArtifactStore) -> list[Content]:
        found = listed(store)
        once()
        return found

    def cleared(*arguments: object) -> object:
        once()
        return clear(*arguments)  # type: ignore[arg-type]

    def needed(*arguments: object) -> bool:
        once()
        return needs(*arguments)  # type: ignore[arg-type]

    if when == "while it is listed":
        monkeypatch.setattr(ArtifactStore, "contents", contents)
    elif when == "while it is asked for":
        monkeypatch.setattr(module, "clear", cleared)
    else:
        monkeypatch.setattr(module, "_needs", needed)


def test_what_is_damaged_goes_though_it_is_needed(numbers: Numbers, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [numbers.store.find(stage.key) for stage in numbers.plan.stages if stage.kind == "score"][:2]
    files = [one.folder / "scores.json" for one in found if one]
    whole = files[1].read_text()
    for file in files:
        file.write_text(file.read_text().replace("4", "5"))
    clear = module.clear

    def cleared(*arguments: object) -> object:
        files[1].write_text(whole)  # a run has made it again while it was asked for
        return clear(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "clear", cleared)
    assert "to remove: 0 artifacts" in _gc("--dry-run")
    assert "to remove: 2 artifacts" in _gc("--damaged", "--dry-run")
    assert "removed 1 artifacts" in _gc("--damaged", "--yes")
    assert not files[0].exists() and files[1].exists()
