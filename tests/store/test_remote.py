"""A store behind a URL: on two machines, with kills and damage in every place where they can happen."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tests.standin.loose import Loose
from tests.standin.s3 import Bucket, make_bucket, s3
from xtransfer.base.errors import StoreError
from xtransfer.base.stage import Stage, StageKind, Work, nothing
from xtransfer.stages import STAGES
from xtransfer.stages.execute import execute
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.store.remote import RemoteArtifacts

STAGE = Stage("train", 1, "train something", {"seed": 1})
NEXT = Stage("train", 1, "train on", {"seed": 1}, {"start": STAGE.key})
_counter = itertools.count()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3() as url:
        yield url


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    made = make_bucket(endpoint, f"bucket-{next(_counter)}")
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture(params=["s3", "memory"])
def url(request: pytest.FixtureRequest) -> str:
    memory = request.param == "memory"
    return f"memory://store-{next(_counter)}" if memory else str(request.getfixturevalue("bucket").url)


class Machines:
    """Machines with a home each and one store between them."""

    def __init__(self, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._url, self._folder, self._environment = url, folder, monkeypatch

    def store(self, machine: str) -> ArtifactStore:
        """The store as a new process of that machine sees it."""
        self._environment.setenv("XTRANSFER_HOME", str(self._folder / machine))
        return ArtifactStore(self._url)


@pytest.fixture
def machines(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machines:
    return Machines(url, tmp_path, monkeypatch)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Replaces the stage `train`; what each run of it found in its inputs."""
    seen: list[dict[str, str]] = []

    def run(settings: Loose, work: Work) -> dict[str, Any]:
        seen.append({key: (folder / "a" / "model.txt").read_text() for key, folder in work.folders.items()})
        (work.out / "a").mkdir()
        (work.out / "a" / "model.txt").write_text(f"weights {len(seen)}")
        (work.out / "b.txt").write_text("")
        return {"loss": 0.5}

    monkeypatch.setitem(STAGES, "train", StageKind(Loose, run, nothing, 1))
    return seen


def _files(url: str, key: str) -> list[str]:
    files, root = fsspec.core.url_to_fs(url)
    files.invalidate_cache()
    return sorted(files.find(f"{root}/{key[:2]}/{key}"))


def _change(url: str, key: str, name: str, text: bytes | None) -> None:
    files, _ = fsspec.core.url_to_fs(url)
    (path,) = [one for one in _files(url, key) if one.endswith(name)]
    if text is None:
        files.rm(path)
    else:
        files.pipe_file(path, text)


def test_what_one_machine_made_the_other_reads(machines: Machines, runs: list[dict[str, str]]) -> None:
    made, cached = execute(STAGE, machines.store("one"))
    assert not cached
    store = machines.store("two")
    found = store.find(STAGE.key)
    assert found is not None and found.manifest == made.manifest
    assert not store.root.exists()  # nothing was fetched yet
    assert (found.folder / "a" / "model.txt").read_text() == "weights 1"
    assert (found.folder / "b.txt").read_text() == ""
    assert found.folder.is_relative_to(store.root) and found.folder != made.folder
    assert execute(STAGE, store)[1]
    execute(NEXT, machines.store("two"))
    assert runs == [{}, {STAGE.key: "weights 1"}]
    assert sorted(machines.store("one").keys()) == sorted([STAGE.key, NEXT.key])
    assert store.verify(STAGE.key) == [] and store.unfinished() == []


def test_what_is_there_is_listed_with_sizes_and_times(machines: Machines, url: str, runs: list[dict[str, str]]) -> None:
    before = datetime.now(UTC)
    execute(STAGE, machines.store("one"))
    execute(NEXT, machines.store("one"))
    _change(url, STAGE.key, "manifest.json", None)  # as while it is uploaded
    found = {one.key: one for one in machines.store("two").contents()}
    assert found.keys() == {STAGE.key, NEXT.key} and all(one.finished for one in found.values())
    assert found[NEXT.key].name == "train on" and found[NEXT.key].inputs == (STAGE.key,)
    assert found[STAGE.key].name == "" and found[STAGE.key].size == len("weights 1")
    late = found[NEXT.key].size
    assert late > len("weights 2") and abs((found[NEXT.key].changed - before).total_seconds()) < 120
    assert abs((found[STAGE.key].changed - before).total_seconds()) < 120
    here = {one.key: one for one in machines.store("one").contents()}
    assert here[NEXT.key].size > late  # with the copy on this machine


def test_marks_are_seen_by_every_machine(machines: Machines, runs: list[dict[str, str]]) -> None:
    assert machines.store("one").marks() == {}
    machines.store("one").mark("first", "one")
    machines.store("two").mark("second", "two")
    machines.store("two").mark("first", "changed")
    marks = machines.store("three").marks()
    assert sorted((place.rpartition("/")[2], text) for place, text in marks.items()) == [
        ("first.json", "changed"),
        ("second.json", "two"),
    ]
    execute(STAGE, machines.store("one"))
    assert list(machines.store("two").keys()) == [STAGE.key]


def test_a_half_upload_is_no_artifact_and_is_overwritten(
    machines: Machines, url: str, runs: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    store = machines.store("one")
    with monkeypatch.context() as cut:
        cut.setattr(RemoteArtifacts, "_manifest", killed)
        store._remote._known[STAGE.key] = None  # type: ignore[union-attr, assignment]
        with pytest.raises(Killed):
            execute(STAGE, store)
    assert len(_files(url, STAGE.key)) == 2  # both files, no manifest
    assert machines.store("two").find(STAGE.key) is None
    artifact, cached = execute(STAGE, machines.store("one"))
    assert cached and len(runs) == 1  # what was made whole is passed on, not made again
    assert (artifact.folder / "a" / "model.txt").read_text() == "weights 1"
    assert len(_files(url, STAGE.key)) == 3


def test_another_machine_makes_what_a_killed_one_never_passed_on(
    machines: Machines, runs: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as cut:
        cut.setattr(RemoteArtifacts, "upload", lambda *_: (_ for _ in ()).throw(StoreError("no network")))
        with pytest.raises(Exception, match="no network"):
            execute(STAGE, machines.store("one"))
    execute(STAGE, machines.store("two"))
    artifact, cached = execute(STAGE, machines.store("one"))
    assert cached and (artifact.folder / "a" / "model.txt").read_text() == "weights 2"  # what is shared counts


@pytest.mark.parametrize("text", [b"w3ights 1", b"wei", None])
def test_damage_is_seen_said_and_made_good(
    machines: Machines, url: str, runs: list[dict[str, str]], text: bytes | None
) -> None:
    execute(STAGE, machines.store("one"))
    _change(url, STAGE.key, "model.txt", text)
    assert len(machines.store("one").verify(STAGE.key)) == 1
    found = machines.store("two").find(STAGE.key)
    assert found is not None
    with pytest.raises(StoreError, match=r"was damaged in .* and removed: a/model\.txt"):
        found.folder  # noqa: B018
    store = machines.store("two")
    assert store.find(STAGE.key) is None
    artifact, _ = execute(STAGE, store)
    assert (artifact.folder / "a" / "model.txt").exists() and store.verify(STAGE.key) == []


def test_an_edited_manifest_is_not_believed(machines: Machines, url: str, runs: list[dict[str, str]]) -> None:
    manifest = execute(STAGE, machines.store("one"))[0].manifest
    edited = manifest.model_copy(update={"settings": {"seed": 2}})
    _change(url, STAGE.key, "manifest.json", edited.model_dump_json().encode())
    store = machines.store("two")
    assert store.find(STAGE.key) is None and "was edited" in store.verify(STAGE.key)[0]


def test_what_broke_on_the_way_is_not_withdrawn(
    machines: Machines, runs: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(STAGE, machines.store("one"))
    found = machines.store("two").find(STAGE.key)
    assert found is not None
    with monkeypatch.context() as cut:
        cut.setattr(RemoteArtifacts, "download", lambda *_: ["a/model.txt: missing"])
        with pytest.raises(StoreError, match="incomplete download from"):
            found.folder  # noqa: B018
    assert machines.store("two").find(STAGE.key) is not None


def test_removed_is_removed_for_all(machines: Machines, url: str, runs: list[dict[str, str]]) -> None:
    execute(STAGE, machines.store("one"))
    store = machines.store("two")
    with store.lease(STAGE.key):
        assert store.remove(STAGE.key) is None
    freed = store.remove(STAGE.key)
    assert freed is not None and freed >= 9 and _files(url, STAGE.key) == []
    again = machines.store("one")
    assert again.find(STAGE.key) is None and list(again.keys()) == []


def test_many_manifests_are_asked_for_at_once(
    machines: Machines, runs: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(STAGE, machines.store("one"))
    store = machines.store("two")
    store.expect([STAGE.key, NEXT.key])
    monkeypatch.setattr(store._remote._files, "cat_file", pytest.fail)  # type: ignore[union-attr]
    assert store.find(STAGE.key) is not None


def test_a_manifest_that_reaches_outside_its_folder_is_none(machines: Machines, url: str, runs: list[Any]) -> None:
    execute(STAGE, machines.store("one"))
    (path,) = [one for one in _files(url, STAGE.key) if one.endswith("manifest.json")]
    files, _ = fsspec.core.url_to_fs(url)
    files.pipe_file(path, files.cat_file(path).replace(b"a/model.txt", b"../../x.txt"))
    assert machines.store("two").find(STAGE.key) is None


def test_the_cache_may_be_deleted(machines: Machines, runs: list[dict[str, str]]) -> None:
    store = machines.store("one")
    execute(STAGE, store)
    shutil.rmtree(store.root)
    found = machines.store("one").find(STAGE.key)
    assert found is not None and (found.folder / "a" / "model.txt").read_text() == "weights 1"


def test_a_bucket_that_is_not_there_is_named(bucket: Bucket) -> None:
    for ask in (lambda store: store.find(STAGE.key), lambda store: store.demand_writable()):
        with pytest.raises(StoreError, match="s3://nobody/here: the bucket does not exist"):
            ask(ArtifactStore("s3://nobody/here"))


def test_missing_credentials_are_named(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    with pytest.raises(StoreError, match="AWS_ACCESS_KEY_ID"):
        ArtifactStore(bucket.url).demand_writable()
    fsspec.get_filesystem_class("s3").clear_instance_cache()
