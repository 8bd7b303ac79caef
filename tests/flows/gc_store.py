"""A store with the artifacts of a study, and `xtransfer store gc` on it."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import cli
from tests.results.numbers import Numbers, make
from xtransfer.base.stage import Stage
from xtransfer.results.database import open_database
from xtransfer.results.users import announce
from xtransfer.results.write import record_cell, record_study
from xtransfer.store.artifacts import ArtifactStore

BASE = Stage("pretrain", 1, "pretrain something", {"seed": 1})
STRAY = Stage("train", 1, "train alone", {"seed": 1}, {"start": BASE.key})
DAY = 86_400


def url_of(home: Path) -> str:
    return f"sqlite:///{home / 'results.db'}"


def record(home: Path, numbers: Numbers, cells: int | None = None) -> None:
    """What a run of the study writes after so many cells."""
    home.mkdir(exist_ok=True)
    with open_database(url_of(home)) as db:
        announce(db, numbers.store)
        record_study(db, numbers.plan)
        for cell in numbers.cells[:cells]:
            record_cell(db, numbers.plan.study.name, cell, numbers.store)


def make_stages(store: ArtifactStore, *stages: Stage) -> None:
    for stage in stages:
        out = store.empty_out(stage.key)
        (out / "model.txt").write_text("weights " * 250_000)
        store.commit(stage, out, {}, "cpu", datetime.now(UTC))


def make_older(folder: Path, days: float = 30) -> None:
    """Let everything below a folder be so old."""
    when = time.time() - days * DAY
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (when, when))


def gc(*arguments: str) -> str:
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
    record(home, made, cells=4)
    make_older(home / "artifacts")
    return made
