"""`xtransfer store gc`: what a recorded study or score needs stays, in whatever database; the rest is asked for."""

from __future__ import annotations

import errno
import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from typer.testing import CliRunner

from flows import cli
from tests.flows.gc_store import BASE, STRAY, gc, make_older, make_stages, numbers, record, url_of, wide
from tests.results.numbers import Numbers
from tests.running import MINUTES, ROOT, environment
from xtransfer.base.errors import RequestError, StoreError
from xtransfer.base.stage import Stage
from xtransfer.results import unused as module
from xtransfer.results.database import open_database
from xtransfer.results.schema import PlannedStageRow
from xtransfer.results.write import record_study
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.store.content import Content

__all__ = ["numbers", "wide"]  # fixtures


def test_what_an_unfinished_study_has_made_stays(numbers: Numbers) -> None:
    assert "to remove: 0 artifacts" in gc("--yes")
    assert {stage.key for stage in numbers.plan.stages} == set(numbers.store.keys())


def test_scores_keep_their_artifacts_when_the_study_is_narrowed(numbers: Numbers, home: Path) -> None:
    record(home, numbers)
    study = numbers.plan.study.model_copy(update={"seeds": (10,)})
    score = Stage("score", 1, "score xnli", {"seed": 10})
    cells = (replace(numbers.cells[0], seed=10, score=score),)
    with open_database(url_of(home)) as db:
        record_study(db, replace(numbers.plan, study=study, cells=cells, stages=(score,)))
    make_older(home / "artifacts")
    assert "to remove: 0 artifacts" in gc("--yes")
    assert {stage.key for stage in numbers.plan.stages} == set(numbers.store.keys())


def test_what_nothing_needs_goes_when_it_is_old(numbers: Numbers, home: Path) -> None:
    make_stages(numbers.store, BASE, STRAY)
    assert "to remove: 0 artifacts" in gc("--yes"), "just made by a command that records no study"
    make_older(home / "artifacts", 6)
    assert "to remove: 0 artifacts" in gc("--yes")
    make_older(numbers.store._local.folder(BASE.key), 8)
    assert "to remove: 0 artifacts" in gc("--yes"), "a younger artifact was made from it"
    make_older(home / "artifacts", 8)
    numbers.store.used(STRAY.key)
    assert "to remove: 0 artifacts" in gc("--yes"), "a command has gone on from it"
    assert "to remove: 2 artifacts" in gc("--min-age", "0", "--dry-run")
    make_older(home / "artifacts", 8)
    said = gc("--yes")
    line = next(line.split() for line in said.splitlines() if "train alone" in line)
    assert line == [STRAY.key[:12], "train", "alone", "not", "needed", "8.0", "2.0"]
    assert "to remove: 2 artifacts and unfinished stages, 4.0 MB" in said
    assert "removed 2 artifacts and unfinished stages, 4.0 MB" in said
    assert {stage.key for stage in numbers.plan.stages} == set(numbers.store.keys())


def test_what_cannot_be_removed_is_not_counted(numbers: Numbers, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where another user made it; the rest is removed all the same."""
    make_stages(numbers.store, BASE, STRAY)
    make_older(home / "artifacts")
    closed, real = numbers.store._local.folder(BASE.key), shutil.rmtree

    def refuse(folder: Path, *more: Any, **options: Any) -> None:
        if folder == closed:
            raise PermissionError(errno.EACCES, "Permission denied")
        real(folder, *more, **options)

    monkeypatch.setattr(shutil, "rmtree", refuse)
    done = CliRunner().invoke(cli.app, ["store", "gc", "--yes"])
    assert isinstance(done.exception, StoreError)
    assert f"{closed}: cannot be removed (Permission denied)" in str(done.exception)
    assert "removed 1 artifacts and unfinished stages, 2.0 MB" in done.output
    assert numbers.store.find(BASE.key) and not numbers.store.find(STRAY.key)


def test_what_runs_is_neither_counted_nor_removed(numbers: Numbers, home: Path) -> None:
    make_stages(numbers.store, STRAY)
    (numbers.store.empty_out(BASE.key) / "half.txt").write_text("half")
    make_older(home / "artifacts")
    with numbers.store.lease(BASE.key) as first, numbers.store.lease(STRAY.key) as second:
        assert first and second
        assert "to remove: 0 artifacts" in gc("--dry-run")
        assert "to remove: 0 artifacts" in gc("--yes")
    assert numbers.store.find(STRAY.key) and numbers.store.unfinished() == [BASE.key]
    assert "removed 2 artifacts and unfinished stages" in gc("--yes")
    assert not numbers.store.find(STRAY.key) and not numbers.store.unfinished()


def test_what_killed_stages_left_goes_unless_a_study_goes_on_from_it(numbers: Numbers, home: Path) -> None:
    planned, done = numbers.plan.stages[-1], numbers.plan.stages[0]
    numbers.store.remove(planned.key)
    for stage in (planned, done, BASE, STRAY):
        numbers.store.empty_out(stage.key)
        (numbers.store.state(stage.key) / "state.bin").write_text("hours of training")
    make_older(home / "artifacts")
    make_older(numbers.store.state(STRAY.key).parent, 1)
    said = gc("--yes")
    assert "not finished" in said and "left over" in said and "removed 2 artifacts" in said
    assert sorted(numbers.store.unfinished()) == sorted([planned.key, STRAY.key])
    assert numbers.store.find(done.key)


def test_without_a_terminal_nothing_goes_unless_it_was_said(numbers: Numbers, home: Path) -> None:
    make_stages(numbers.store, STRAY)
    make_older(home / "artifacts")
    with pytest.raises(RequestError, match="use --yes to remove without asking"):
        gc()
    assert "train alone" in gc("--dry-run")
    assert numbers.store.find(STRAY.key)


@pytest.mark.parametrize(("answer", "goes"), [("n", False), ("", False), ("y", True)])
def test_in_a_terminal_it_asks(numbers: Numbers, home: Path, answer: str, goes: bool) -> None:
    make_stages(numbers.store, STRAY)
    make_older(home / "artifacts")
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


def test_a_study_of_an_older_program_is_not_taken_for_finished(numbers: Numbers, home: Path) -> None:
    with open_database(url_of(home)) as db, db.begin() as connection:
        connection.execute(delete(PlannedStageRow))
    with pytest.raises(RequestError, match=r"unfinished studies.*: numbers\. Run them again"):
        gc("--yes")
    record(home, numbers)
    with open_database(url_of(home)) as db, db.begin() as connection:
        connection.execute(delete(PlannedStageRow))
    assert "to remove: 0 artifacts" in gc("--yes")


@pytest.mark.parametrize("when", ["while it is listed", "while it is asked for", "while it goes"])
def test_what_is_recorded_meanwhile_stays(
    numbers: Numbers, home: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    make_stages(numbers.store, BASE, STRAY)
    make_older(home / "artifacts")
    study = numbers.plan.study.model_copy(update={"name": "late"})
    score = Stage("score", 1, "score late", {"seed": 1}, {"checkpoint": STRAY.key})
    cell = replace(numbers.cells[0], score=score)
    late = replace(numbers.plan, study=study, cells=(cell,), stages=(BASE, STRAY, score))

    def record() -> None:
        with open_database(url_of(home)) as db:
            record_study(db, late)
        make_stages(numbers.store, score)

    _call_before(monkeypatch, when, record)
    gc("--yes", "--min-age", "0")
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
    assert "to remove: 0 artifacts" in gc("--dry-run")
    assert "to remove: 2 artifacts" in gc("--damaged", "--dry-run")
    assert "removed 1 artifacts" in gc("--damaged", "--yes")
    assert not files[0].exists() and files[1].exists()


def test_disk_by_study_and_kind(numbers: Numbers, home: Path) -> None:
    make_stages(numbers.store, STRAY)  # 2 MB, which no study needs
    study = numbers.plan.study.model_copy(update={"name": "another"})
    with open_database(url_of(home)) as db:  # needs the first study's first cell, too
        record_study(db, replace(numbers.plan, study=study, cells=numbers.cells[:1]))
    done = CliRunner().invoke(cli.app, ["store", "du", "--json"], catch_exceptions=False)
    found = json.loads(done.stdout)
    studies, kinds = ({one["name"]: one for one in found[by]} for by in ("studies", "kinds"))
    first, other = studies[numbers.plan.study.name], studies["another"]
    assert studies["(no recorded study)"]["artifacts"] == 1 and studies["(no recorded study)"]["size"] > 1e6
    assert other["own"] == 0 < other["size"] <= first["size"] - first["own"]
    assert sum(one["artifacts"] for one in kinds.values()) == len(list(numbers.store.keys()))
    shown = CliRunner().invoke(cli.app, ["store", "du"], catch_exceptions=False).stdout
    assert "another" in shown and "(no recorded study)" in shown and "total: " in shown
