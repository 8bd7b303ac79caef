"""Digests that are remembered are those of the bytes that are there."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from xtransfer.base import remembered_digests
from xtransfer.base.digest import file_digest as hashed

SIZE = 1 << 19  # bytes; worth keeping


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were hashed. Any file counts as settled."""
    seen: list[Path] = []

    def counted(path: Path) -> str:
        seen.append(path)
        return hashed(path)

    monkeypatch.setattr(remembered_digests, "hashed", counted)
    monkeypatch.setattr(remembered_digests, "_known", {})
    monkeypatch.setattr(remembered_digests, "_SETTLED", 0)
    return seen


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"a" * SIZE)
    time.sleep(0.02)  # more than the clock of a file system goes by
    return path


def another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered_digests, "_known", {})


def test_a_big_file_is_hashed_once_by_all_processes(
    file: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = hashed(file)
    for _ in range(3):
        assert remembered_digests.file_digest(file) == remembered_digests.file_digest(file) == expected
        another_process(monkeypatch)
    assert reads == [file]


def test_a_write_is_noticed_whatever_time_it_leaves(
    file: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = remembered_digests.file_digest(file)
    state = file.stat()
    file.write_bytes(b"b" * SIZE)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert file.stat().st_mtime_ns == state.st_mtime_ns and file.stat().st_size == state.st_size
    assert remembered_digests.file_digest(file) == hashed(file) != before
    another_process(monkeypatch)
    assert remembered_digests.file_digest(file) == hashed(file)


def test_what_was_written_a_moment_ago_is_hashed_each_time(
    file: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered_digests, "_SETTLED", 3_000_000_000)
    file.touch()
    for _ in range(2):
        remembered_digests.file_digest(file)
    assert len(reads) == 2
    long_ago = time.time_ns() - 60_000_000_000
    os.utime(file, ns=(long_ago, long_ago))  # the time of change is now, whatever that of modification says
    remembered_digests.file_digest(file)
    assert len(reads) == 3 and not list((file.parent / "home").rglob("digests/*"))


def test_a_damaged_note_is_not_believed(file: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    remembered_digests.file_digest(file)
    (note,) = (file.parent / "home" / "cache" / "digests").iterdir()
    for content in ("", "[]", "{}", note.read_text()[:-4], note.read_text().replace("model", "other")):
        another_process(monkeypatch)
        note.write_text(content)
        assert remembered_digests.file_digest(file) == hashed(file)
    assert len(reads) == 6


def test_a_cache_that_cannot_be_written_costs_time_alone(
    file: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XTRANSFER_CACHE", str(file))  # no folder
    for _ in range(2):
        another_process(monkeypatch)
        assert remembered_digests.file_digest(file) == hashed(file)
    assert len(reads) == 2


def test_small_files_leave_no_notes(tmp_path: Path, reads: list[Path]) -> None:
    (tmp_path / "config.json").write_text("{}")
    time.sleep(0.02)
    assert remembered_digests.file_digest(tmp_path / "config.json") == hashed(tmp_path / "config.json")
    assert not (tmp_path / "home").exists()
