"""Files that many artifacts have are on the disk once, and nobody notices."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from xtransfer.base.stage import Stage
from xtransfer.store.artifacts import Artifact, ArtifactStore

NAME = "shared-table.txt"
STAGES = [Stage("train", 1, f"train {seed}", {"seed": seed}) for seed in range(3)]


@pytest.fixture(autouse=True, params=[NAME, "tokenizer.json"])
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "NAME", request.param)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def _make(store: ArtifactStore, stage: Stage, text: str = "table" * 100) -> Artifact:
    out = store.empty_out(stage.key)
    (out / NAME).write_text(text)
    (out / "own.txt").write_text(stage.name)
    return store.commit(stage, out, {}, "cpu", datetime.now(UTC))


def _common(store: ArtifactStore) -> list[Path]:
    return list((store.root / ".shared").iterdir())


def test_the_same_file_is_stored_once(store: ArtifactStore) -> None:
    made = [_make(store, stage) for stage in STAGES]
    files = [artifact.folder / NAME for artifact in made]
    assert len({file.stat().st_ino for file in files}) == 1
    assert len({(artifact.folder / "own.txt").stat().st_ino for artifact in made}) == 3
    sizes = [one.size for one in store.contents()]
    on_disk = {path.stat().st_ino: path.stat().st_size for path in store.root.rglob("*") if path.is_file()}
    assert sum(sizes) == pytest.approx(sum(on_disk.values()), abs=3)
    assert not any(store.verify(stage.key) for stage in STAGES)
    assert sorted(path.name for path in made[0].folder.iterdir()) == ["manifest.json", "own.txt", NAME]


def test_the_last_artifact_takes_the_file_with_it(store: ArtifactStore) -> None:
    for stage in STAGES:
        _make(store, stage)
    for stage in STAGES[:2]:
        store.remove(stage.key)
    left = store.find(STAGES[2].key)
    assert left is not None and not store.verify(left.key) and len(_common(store)) == 1
    freed = store.remove(left.key)
    assert freed is not None and freed > 500 and _common(store) == []


def test_damage_is_not_passed_on(store: ArtifactStore) -> None:
    first = _make(store, STAGES[0])
    (first.folder / NAME).write_text("elbat" * 100)  # in place, so the common file is damaged, too
    assert store.verify(STAGES[0].key)
    second = _make(store, STAGES[1])
    assert (second.folder / NAME).read_text() == "table" * 100 and not store.verify(STAGES[1].key)
    assert _make(store, STAGES[2]).folder.joinpath(NAME).samefile(second.folder / NAME)


def test_another_content_is_another_file(store: ArtifactStore) -> None:
    first, second = _make(store, STAGES[0]), _make(store, STAGES[1], "another")
    assert not (first.folder / NAME).samefile(second.folder / NAME) and len(_common(store)) == 2


def test_a_copy_without_links_does_not_keep_the_file_once_more(store: ArtifactStore, tmp_path: Path) -> None:
    for stage in STAGES[:2]:
        _make(store, stage)
    copy = ArtifactStore(shutil.copytree(store.root, tmp_path / "copy"))
    copy.tidy()
    assert _common(copy) == [] and len(_common(store)) == 1
    third, first = _make(copy, STAGES[2]), copy.find(STAGES[0].key)
    assert first is not None and not any(copy.verify(stage.key) for stage in STAGES)
    copy.tidy()
    assert [file.stat().st_nlink for file in _common(copy)] == [2] and third.folder.joinpath(NAME).exists()


def test_without_links_each_has_its_own(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    made = [_make(store, stage) for stage in STAGES]
    assert len({(artifact.folder / NAME).stat().st_ino for artifact in made}) == 3
    assert not any(store.verify(stage.key) for stage in STAGES)
