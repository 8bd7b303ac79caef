"""Stores and databases know each other: what another database needs, or may need, is not removed."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.flows.gc_store import STRAY, gc, make_older, make_stages, numbers, record, url_of, wide
from tests.results.numbers import Numbers, make
from xtransfer.base.errors import RequestError, StoreError
from xtransfer.results.database import open_database
from xtransfer.results.users import announce
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.store.local import LocalArtifacts

__all__ = ["numbers", "wide"]  # fixtures


def test_another_database_does_not_decide_about_a_store(
    numbers: Numbers, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty, or with another study that uses another store: it knows nothing of what is needed here."""
    other = tmp_path / "other"
    record(other, make(other, name="others"))
    monkeypatch.setenv("XTRANSFER_HOME", str(other))
    monkeypatch.setenv("XTRANSFER_STORE", str(home / "artifacts"))
    for option in ("--yes", "--dry-run"):
        with pytest.raises(RequestError, match="does not know this store"):
            gc(option, "--min-age", "0")
    assert len(list(numbers.store.keys())) == len(numbers.plan.stages)


@pytest.mark.parametrize("said", ["url", "file", "home"])
def test_what_other_databases_need_stays(numbers: Numbers, home: Path, tmp_path: Path, said: str) -> None:
    other = tmp_path / "other"
    theirs = make(home, name="others", seeds=(7,))
    record(other, theirs)
    make_stages(numbers.store, STRAY)
    make_older(home / "artifacts")
    with pytest.raises(RequestError, match=r"(?s)other databases use this store.*other/results.db.*--also"):
        gc("--yes")
    assert numbers.store.find(STRAY.key)
    with pytest.raises(RequestError, match=r"no file .*nowhere"):
        gc("--yes", "--also", str(tmp_path / "nowhere"))
    also = {"url": url_of(other), "file": str(other / "results.db"), "home": str(other)}[said]
    assert "removed 1 artifacts" in gc("--yes", "--also", also)
    assert {stage.key for one in (numbers, theirs) for stage in one.plan.stages} == set(numbers.store.keys())


def test_a_copy_of_a_database_is_another_one(numbers: Numbers, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the same identity; what was recorded in either since is in neither's rows."""
    copy = home.parent / "copy"
    copy.mkdir()
    shutil.copy(home / "results.db", copy)
    monkeypatch.setenv("XTRANSFER_HOME", str(copy))
    monkeypatch.setenv("XTRANSFER_STORE", str(home / "artifacts"))
    with pytest.raises(RequestError, match="does not know this store"):
        gc("--yes")
    record(copy, numbers)
    with pytest.raises(RequestError, match="other databases use this store"):
        gc("--yes")


def test_a_home_may_be_moved_and_copied(numbers: Numbers, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved, copy = home.with_name("moved"), home.with_name("copy")
    home.rename(moved)
    monkeypatch.setenv("XTRANSFER_HOME", str(moved))
    assert "to remove: 0 artifacts" in gc("--yes")
    record(moved, replace(numbers, store=ArtifactStore(moved / "artifacts")))
    shutil.copytree(moved, copy)
    monkeypatch.setenv("XTRANSFER_HOME", str(copy))
    record(copy, replace(numbers, store=ArtifactStore(copy / "artifacts")))
    assert "to remove: 0 artifacts" in gc("--yes")


def test_an_unreadable_mark_is_somebodys(numbers: Numbers, home: Path) -> None:
    (home / "artifacts" / ".databases" / "x.json").write_text("{")
    with pytest.raises(RequestError, match=r"unreadable mark \(marked by .*x\.json\)"):
        gc("--yes")


@pytest.mark.parametrize(
    "change",
    [
        {"url": "sqlite\x87//x"},
        {"url": f"sqlite:////{'x' * 300}", "host": "elsewhere"},
        {"id": "other", "store": "x" * 300},
    ],
)
def test_a_mark_with_an_address_that_cannot_be_is_somebodys(
    numbers: Numbers, home: Path, change: dict[str, str]
) -> None:
    (own,) = (home / "artifacts" / ".databases").iterdir()
    (own.parent / "x.json").write_text(json.dumps(json.loads(own.read_text()) | change))
    with pytest.raises(RequestError, match=r"marked by .*x\.json"):
        gc("--yes")


def test_a_mark_that_cannot_be_read_is_somebodys(numbers: Numbers, home: Path) -> None:
    os.mkfifo(home / "artifacts" / ".databases" / "x.json")
    with pytest.raises(RequestError, match=r"unreadable mark \(marked by .*x\.json\)"):
        gc("--yes")


def test_a_store_that_cannot_be_marked_is_used_all_the_same(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    home.mkdir()
    cause: OSError = PermissionError(13, "Permission denied")

    def refuse(*_: object) -> None:
        raise StoreError("cannot write") from cause

    monkeypatch.setattr(LocalArtifacts, "mark", refuse)
    with open_database(url_of(home)) as db:
        announce(db, ArtifactStore(home / "artifacts"))
        assert "cannot write" in caplog.text
        cause = OSError(28, "No space left on device")
        with pytest.raises(StoreError, match="cannot write"):
            announce(db, ArtifactStore(home / "artifacts"))
