"""The store serves whole artifacts only, and one process makes each."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.running import as_another_user
from xtransfer.base.errors import StoreError
from xtransfer.base.stage import Stage
from xtransfer.store.artifacts import Artifact, ArtifactStore
from xtransfer.store.local import LocalArtifacts
from xtransfer.training import state

STAGE = Stage("train", 1, "train something", {"seed": 1})


def _make(store: ArtifactStore, stage: Stage = STAGE, text: str = "weights") -> Artifact:
    out = store.empty_out(stage.key)
    (out / "model.txt").write_text(text)
    return store.commit(stage, out, {"loss": 0.5}, "cpu", datetime.now(UTC))


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def test_a_committed_artifact_is_found_with_its_provenance(store: ArtifactStore) -> None:
    assert store.find(STAGE.key) is None
    _make(store)
    found = store.find(STAGE.key)
    assert found is not None
    assert (found.folder / "model.txt").read_text() == "weights"
    assert found.manifest.facts == {"loss": 0.5}
    assert found.manifest.packages["torch"] == version("torch")
    assert store.unfinished() == []


@pytest.mark.parametrize("damage", ["truncated", "missing", "no manifest", "half a manifest"])
def test_a_damaged_artifact_counts_as_missing_and_is_replaced(store: ArtifactStore, damage: str) -> None:
    folder = _make(store).folder
    if damage == "truncated":
        (folder / "model.txt").write_text("wei")
    elif damage == "missing":
        (folder / "model.txt").unlink()
    elif damage == "no manifest":
        (folder / "manifest.json").unlink()
    else:
        (folder / "manifest.json").write_bytes((folder / "manifest.json").read_bytes()[:100])
    assert store.find(STAGE.key) is None
    _make(store)
    assert store.find(STAGE.key) is not None


def test_verify_sees_changed_bytes_of_equal_size(store: ArtifactStore) -> None:
    folder = _make(store).folder
    assert store.verify(STAGE.key) == []
    (folder / "model.txt").write_text("w3ights")
    assert store.find(STAGE.key) is not None
    assert store.verify(STAGE.key) == ["model.txt: its content has changed"]


def test_verify_sees_what_was_edited_copied_or_added(store: ArtifactStore) -> None:
    folder = _make(store).folder
    (folder / ".DS_Store").touch()
    (folder / "added_tokens.json").write_text("{}")
    assert store.verify(STAGE.key) == ["added_tokens.json: is not in manifest.json; it was added later"]
    (folder / "added_tokens.json").unlink()
    assert store.verify(STAGE.key) == []

    other = Stage("train", 1, "train something else", {"seed": 2})
    copied = folder.parent.parent / other.key[:2] / other.key
    shutil.copytree(folder, copied)
    assert store.verify(other.key) == [
        f"manifest.json: belongs to artifact {STAGE.key}; the folder was renamed or copied"
    ]
    assert store.find(other.key) is None and store.find(STAGE.key) is not None

    manifest = folder / "manifest.json"
    edited = manifest.read_text().replace('"seed":1', '"seed":2').replace('"seed": 1', '"seed": 2')
    assert edited != manifest.read_text()
    for text in (edited, edited.replace(STAGE.key, other.key), manifest.read_text().replace(STAGE.key, other.key)):
        manifest.write_text(text)
        assert store.verify(STAGE.key) and store.find(STAGE.key) is None


def test_a_pipe_is_no_manifest(store: ArtifactStore) -> None:
    manifest = _make(store).folder / "manifest.json"
    manifest.unlink()
    os.mkfifo(manifest)
    assert ArtifactStore(store.root).find(STAGE.key) is None


def test_remove_spares_what_is_being_made(store: ArtifactStore) -> None:
    _make(store)
    with store.lease(STAGE.key) as lease:
        assert lease is not None
        assert store.remove(STAGE.key) is None
    assert store.find(STAGE.key) is not None
    freed = store.remove(STAGE.key)
    assert freed is not None and freed > 7
    assert store.find(STAGE.key) is None


def test_stage_keys_name_what_changes_the_result() -> None:
    assert Stage("train", 1, "another name", {"seed": 1}, places={"start": "/x"}).key == STAGE.key
    for other in (
        Stage("train", 2, STAGE.name, {"seed": 1}),
        Stage("score", 1, STAGE.name, {"seed": 1}),
        Stage("train", 1, STAGE.name, {"seed": 2}),
        Stage("train", 1, STAGE.name, {"seed": 1}, {"start": "abc"}),
    ):
        assert other.key != STAGE.key
    assert Stage.from_json(STAGE.to_json()).key == STAGE.key


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_store_says_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="XTRANSFER_STORE"), ArtifactStore(tmp_path / "x").lease("key"):
        pass


def test_what_another_user_closed_is_named_before_work_begins(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    folder = _make(store).folder
    (folder / "model.txt").write_text("damaged")
    for open_to_all in (tmp_path / ".partial", folder.parent):
        open_to_all.chmod(0o777)
    folder.chmod(0o555)
    said = as_another_user(tmp_path, _refusal)
    assert STAGE.key in said and "another user made" in said and "umask 002" in said


def _refusal() -> str:
    store = ArtifactStore(".")
    store._local = LocalArtifacts(Path())  # the folders above are closed to this user
    with pytest.raises(StoreError) as refused, store.lease(STAGE.key):
        pass
    return str(refused.value)


def test_leftovers_that_cannot_be_removed_are_no_failure(
    store: ArtifactStore, caplog: pytest.LogCaptureFixture
) -> None:
    left = store.state(_make(store).key)
    left.mkdir(parents=True)
    lock = store.root / ".leases" / f"{STAGE.key}.lock"
    lock.unlink(missing_ok=True)
    lock.mkdir(parents=True)
    store.tidy()
    assert left.exists() and "leftovers of finished stages stay" in caplog.text
    lock.rmdir()
    store.tidy()
    assert store.unfinished() == []


def test_weights_can_be_read_by_who_may_read_the_store(store: ArtifactStore) -> None:
    store.root.mkdir()
    store.root.chmod(0o2770)
    before = os.umask(0o002)  # as users who share a store are told to set
    try:
        out = store.empty_out(STAGE.key)
        save_file({"weight": torch.zeros(2)}, out / "model.safetensors")  # for its owner alone
        save_file({"table": torch.zeros(2)}, out / "shared-table.safetensors")
        made = store.commit(STAGE, out, {}, "cpu", datetime.now(UTC))
        state.write(store.state("other"), state.State("run", 1, {"weight": torch.zeros(2)}, {}))
    finally:
        os.umask(before)
    files = [*made.folder.iterdir(), *(store.root / ".shared").iterdir(), *store.state("other").iterdir()]
    assert len(files) == 5 and {oct(file.stat().st_mode & 0o777) for file in files} == {"0o664"}
