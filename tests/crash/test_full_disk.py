"""A disk that is full, at each kind of write: one sentence says so, nothing half-written stays, and the same call
succeeds once there is space."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch

from tests.crash.places import wait_until_gone
from tests.crash.study import Place
from tests.results.numbers import Numbers, make, record_all
from tests.results.test_write import contents
from tests.running import Ran
from tests.standin.loose import Loose
from xtransfer.base import disk_cache
from xtransfer.base.errors import RequestError, StageError, StoreError, XTransferError
from xtransfer.base.stage import StageKind, Work, nothing
from xtransfer.report.page import write_report
from xtransfer.results.database import open_database
from xtransfer.results.moving import export
from xtransfer.stages import STAGES
from xtransfer.stages.execute import execute
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.training import state

_PAGE = 4096  # bytes; what a file takes is a multiple
_OUTPUT = 64 * _PAGE


class Disk:
    """A small disk that can be filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, left: int = 0) -> None:
        """Leaves so many bytes."""
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * _PAGE):
                    pass
            except OSError:
                file.truncate(max(0, file.tell() - left))

    def free(self) -> None:
        self._ballast.unlink()

    def files(self) -> dict[str, bytes]:
        """What is on it, but for locks, which are empty."""
        found = [one for one in self.folder.rglob("*") if one.is_file() and one != self._ballast]
        return {str(one): one.read_bytes() for one in found if one.suffix != ".lock"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def numbers(tmp_path: Path) -> Numbers:
    return make(tmp_path / "numbers")


def _refused(kind: type[Exception], call: Callable[[], object], words: str) -> None:
    """The call fails in one line that says why."""
    with pytest.raises(kind, match=words) as refused:
        call()
    assert "\n" not in str(refused.value) and "Error" not in str(refused.value)


@pytest.mark.parametrize("left", [0, _OUTPUT // 2, _OUTPUT], ids=["folder", "output", "manifest"])
def test_an_artifact(disk: Disk, monkeypatch: pytest.MonkeyPatch, left: int) -> None:
    def run(settings: Loose, work: Work) -> dict[str, Any]:
        (work.out / "made.bin").write_bytes(b"x" * _OUTPUT)
        return {}

    monkeypatch.setitem(STAGES, "loose", StageKind(Loose, run, nothing, seconds=1))
    stage, store = Loose().stage("something odd"), ArtifactStore(disk.folder / "store")
    disk.fill(left)
    _refused(StageError, lambda: execute(stage, store), "no space left in .*; free some, then run the same command")
    assert disk.files() == {} and [*store.keys()] == []
    disk.free()
    assert not execute(stage, store)[1]
    assert store.verify(stage.key) == [] and store.unfinished() == []


def test_the_state_of_a_training(disk: Disk) -> None:
    def write(step: int) -> None:
        state.write(disk.folder, state.State("run", step, {"weights": torch.full((_OUTPUT,), float(step))}, {}))

    write(1)
    disk.fill(_PAGE)
    before = disk.files()
    with pytest.raises(OSError, match=r"[Nn]o space left"):
        write(2)
    assert disk.files() == before
    disk.free()
    write(2)
    found = state.read(disk.folder, "run")
    assert found is not None and found.step == 2 and len(disk.files()) == 1


def test_the_database(disk: Disk, numbers: Numbers) -> None:
    with open_database(f"sqlite:///{disk.folder / 'results.db'}") as db:
        before = contents(db)
        disk.fill()
        _refused(StoreError, lambda: record_all(db, numbers), "full; free some space and run again; nothing was half")
        assert contents(db) == before
        disk.free()
        record_all(db, numbers)
        assert len(contents(db)["score"]) == 3 * len(numbers.cells)


@pytest.mark.parametrize("left", [0, 2 * _PAGE])
def test_a_report(disk: Disk, numbers: Numbers, tmp_path: Path, left: int) -> None:
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_all(db, numbers)
        out = disk.folder / "report"
        page = write_report("numbers", db, numbers.store, out)
        before = page.read_bytes()
        disk.fill(left)
        call = lambda: write_report("numbers", db, numbers.store, out)  # noqa: E731
        _refused(RequestError, call, r"report: the report cannot be written \(No space left")
        assert page.read_bytes() == before and not [*out.rglob("*.partial")]
        disk.free()
        assert call().read_bytes() == before


@pytest.mark.parametrize("suffix", ["parquet", "sqlite"])
def test_an_export(disk: Disk, numbers: Numbers, tmp_path: Path, suffix: str) -> None:
    url = f"sqlite:///{tmp_path / 'results.db'}"
    with open_database(url) as db:
        record_all(db, numbers)
    with open_database(url, read_only=True) as db:
        file = disk.folder / f"results.{suffix}"
        disk.fill()
        words = r"results\.\w+: (cannot be written \(.*; name another file|database or disk is full; free some space)"
        _refused(XTransferError, lambda: export(db, file), words)
        assert disk.files() == {}
        disk.free()
        export(db, file)
        assert list(disk.files()) == [str(file)]


def test_the_mark_of_a_store(disk: Disk) -> None:
    store = ArtifactStore(disk.folder / "store")
    disk.fill()
    _refused(StoreError, lambda: store.mark("database", "text"), "XTRANSFER_STORE: cannot write .*No space left")
    assert disk.files() == {}
    disk.free()
    store.mark("database", "text")
    assert [*store.marks().values()] == ["text"]


def test_encoded_rows_do_without(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are kept to save time alone."""
    monkeypatch.setenv("XTRANSFER_CACHE", str(disk.folder))
    batch = pa.record_batch({"ids": list(range(_OUTPUT))})
    disk.fill(_PAGE)
    assert not disk_cache.write("key", batch) and disk.files() == {}
    disk.free()
    assert disk_cache.write("key", batch) and disk_cache.read("key") == batch


@pytest.mark.slow
@pytest.mark.storm
@pytest.mark.parametrize("left", [1 << 20])
def test_a_run(disk: Disk, small_lab: Ran, prefect: str, tmp_path: Path, left: int) -> None:
    """The store, the database and the report share the disk."""
    place = Place(disk.folder / "home", prefect, [10])
    small_lab.give_encoder(place.home / "artifacts")
    disk.fill(left)
    run = place.start()
    run.communicate(timeout=900)
    assert run.returncode == 1 and "Traceback" not in place.said()
    assert "no space left" in place.said().lower() or "free some space" in place.said()
    disk.free()
    place.run()
    wait_until_gone(place)
    assert place.faults() == [] and not place.run()["ran"]
    assert len(place.rows()) > 0
