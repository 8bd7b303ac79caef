"""Where checkpoints are looked for: folders, URLs and the commits of a repository."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import fsspec
import pytest

from flows import evaluate_new_checkpoint
from tests.checkpoints.folders import files, put
from tests.standin.hub import Hub
from tests.standin.process import run
from tests.standin.s3 import make_bucket, s3
from xtransfer.base.errors import DataError, RequestError
from xtransfer.base.settings import current
from xtransfer.models.files import fetched
from xtransfer.models.files.identity import identity
from xtransfer.models.files.sources import look, opened, step_of
from xtransfer.results.database import open_database
from xtransfer.watch.claims import states
from xtransfer.watch.record import record
from xtransfer.watch.watch import Watch

_counter = itertools.count()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3() as url:
        yield url


@pytest.fixture(params=["memory", "s3"])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A URL below which nothing is."""
    name = f"checkpoints-{next(_counter)}"
    if request.param == "memory":
        return f"memory://{name}"
    made = make_bucket(request.getfixturevalue("endpoint"), name)
    for variable, value in made.environment.items():
        monkeypatch.setenv(variable, value)
    return f"s3://{name}"


def upload(url: str, content: dict[str, bytes]) -> None:
    system, path = fsspec.core.url_to_fs(url)
    for name, data in content.items():
        system.pipe_file(f"{path}/{name}", data)


@pytest.mark.parametrize(
    ("name", "step"),
    [("checkpoint-500", 500), ("step_70", 70), ("global_step1000", 1000), ("epoch2-step30", 30), ("final", None),
     ("Training in progress, step 1500", 1500), ("iter-7", 7), ("run-2", None)],
)  # fmt: skip
def test_steps_are_read_from_names(name: str, step: int | None) -> None:
    assert step_of(name) == step


def test_folders_by_pattern_in_the_order_of_their_steps(tmp_path: Path) -> None:
    for name in ("a/checkpoint-1000", "a/checkpoint-200", "b/checkpoint-50", "b/other"):
        put(tmp_path / name, files())
    (tmp_path / "a" / "checkpoint-7").write_text("a file")
    (tmp_path / "a" / "latest").symlink_to(tmp_path / "a" / "checkpoint-1000")
    found = look(str(tmp_path / "*" / "checkpoint-*"))
    assert [Path(one.location).relative_to(tmp_path).as_posix() for one in found] == [
        "a/checkpoint-200", "a/checkpoint-1000", "b/checkpoint-50",
    ]  # fmt: skip
    assert [one.step for one in found] == [200, 1000, 50]
    linked = look(str(tmp_path / "a" / "*"))
    assert sorted(Path(one.location).name for one in linked) == ["checkpoint-1000", "checkpoint-200"]
    assert look(str(tmp_path / "nothing" / "*")) == []
    assert [one.location for one in look(str(tmp_path / "b" / "other"))] == [str(tmp_path / "b" / "other")]


@pytest.mark.parametrize("name", ["tmp-checkpoint-5", ".checkpoint-5", "checkpoint-5.tmp", "checkpoint-5.partial"])
def test_names_of_what_is_being_written(name: str, tmp_path: Path) -> None:
    put(tmp_path / name, files())
    (found,) = look(str(tmp_path / (".*" if name.startswith(".") else "*")))
    assert found.being_written and not look(str(put(tmp_path / "ready", files())))[0].being_written


def test_folders_behind_a_url_are_the_same_checkpoints(bucket: str, tmp_path: Path) -> None:
    upload(f"{bucket}/run/step_20", files(1))
    upload(f"{bucket}/run/step_3", files(2))
    found, root = look(f"{bucket}/*/step_*"), bucket.replace("memory://", "memory:///")
    assert [(one.location, one.step) for one in found] == [
        (f"{root}/run/step_3", 3), (f"{root}/run/step_20", 20),
    ]  # fmt: skip
    there = found[1].open()
    here = opened(str(put(tmp_path / "x", files(1))))
    assert identity(there, there.entries()) == identity(here, here.entries())
    assert all(one.changed for one in there.entries().values())


def test_a_checkpoint_behind_a_url_is_copied_whole(bucket: str, tmp_path: Path) -> None:
    upload(f"{bucket}/step_1", {**files(), "optimizer.pt": b"\x80"})
    (found,) = look(f"{bucket}/step_*")
    digest = identity(found.open(), found.open().entries())
    place = Path(fetched.encoder(found.location, digest, tmp_path))
    assert sorted(one.name for one in place.iterdir()) == sorted(files())  # a pickle is never fetched
    upload(f"{bucket}/step_1", files(7))
    assert fetched.encoder(found.location, digest, tmp_path) == str(place)  # the copy that is there is used
    (place / "model.safetensors").write_bytes(b"")
    with pytest.raises(DataError, match="changed after it was recorded"):
        fetched.encoder(found.location, digest, tmp_path)
    with pytest.raises(DataError, match="changed after it was recorded"):
        fetched.encoder(found.location, "0" * 32, tmp_path)
    assert not list(tmp_path.rglob("*.partial"))


def test_a_folder_is_used_where_it_is_if_it_is_still_the_same(tmp_path: Path) -> None:
    folder = put(tmp_path / "checkpoint-1", files())
    digest = identity(opened(str(folder)), opened(str(folder)).entries())
    assert fetched.encoder(str(folder), digest, tmp_path) == str(folder)
    put(folder, files(1))
    with pytest.raises(DataError, match="run `xtransfer watch`"):
        fetched.encoder(str(folder), digest, tmp_path)
    with pytest.raises(DataError, match="no longer exists"):
        fetched.encoder(str(tmp_path / "nowhere"), digest, tmp_path)


def test_a_checkpoint_that_is_swapped_during_its_run_fails_the_run(tmp_path: Path) -> None:
    folder = put(tmp_path / "checkpoint-1", files())
    digest = identity(opened(str(folder)), opened(str(folder)).entries())
    with fetched.used(str(folder), digest, tmp_path) as place:
        assert place == str(folder)
    with pytest.raises(DataError, match="changed after it was recorded"), fetched.used(str(folder), digest, tmp_path):
        put(folder, files(1))


def test_the_flow_of_a_new_checkpoint_looks_again_after_its_run(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = put(tmp_path / "checkpoint-1", files())
    watch = Watch.model_validate(
        {
            "name": "mine",
            "sources": [f"{tmp_path}/checkpoint-*"],
            "evaluate": {"targets": ["lab-nli"]},
            "steady_seconds": 0,
        }
    )
    places = current().prepare()
    with open_database(places.database_url) as db:
        (found,) = record(watch, db).sightings
        monkeypatch.setattr(evaluate_new_checkpoint, "run_study", Mock(fn=lambda *_, **__: put(folder, files(1))))
        with pytest.raises(DataError, match="changed after it was recorded"):
            evaluate_new_checkpoint.evaluate_new_checkpoint.fn(watch, found.verdict.digest, found.candidate.location)
        assert states("mine", db)[found.verdict.digest][0] == "failed"


@pytest.mark.parametrize("source", ["hf://model", "hf://a/b/c/d", "nothing://x/*", "hf://a/b@"])
def test_what_is_no_source_is_refused(source: str) -> None:
    with pytest.raises(RequestError, match="source '"):
        look(source)


PROGRAM = """
import json, sys
from xtransfer.base.settings import current
from xtransfer.models.files import fetched
from xtransfer.models.files.identity import identity
from xtransfer.models.files.sources import look
from xtransfer.models.files.wholeness import inspect
from xtransfer.base.errors import XTransferError

def tell(one):
    files = one.open()
    verdict = inspect(files, files.entries())
    return [one.location, one.step, verdict.state, verdict.digest]

found = [tell(one) for one in look("hf://someone/model")]
failed = []
for source in ("hf://someone/nowhere", "hf://someone/model@branch"):
    try:
        look(source)
    except XTransferError as error:
        failed.append([type(error).__name__, str(error)])
print(json.dumps([found, failed, fetched.encoder(found[1][0], found[1][3], "/nowhere")]))
"""


def test_every_commit_of_a_repository_is_a_place(tmp_path: Path) -> None:
    with Hub() as hub:
        commits = [
            hub.commit("models", "someone/model", "Training in progress, step 10", files(1)),
            hub.commit("models", "someone/model", "Training in progress, step 20", files(2)),
            hub.commit("models", "someone/model", "readme", {**files(2), "README.md": b"# mine"}),
            hub.commit("models", "someone/model", "half", {"config.json": b"{}"}),
        ]
        found, failed, encoder = json.loads(run(hub, tmp_path, PROGRAM).splitlines()[-1])
        fetched_weights = [path for method, path in hub.requests if method == "GET" and "model.safetensors" in path]
    assert [place for place, *_ in found] == [f"hf://someone/model@{commit}" for commit in commits]
    assert [step for _, step, *_ in found] == [10, 20, None, None]
    assert [state for *_, state, _ in found] == ["whole", "whole", "whole", "unfinished"]
    local = [opened(str(put(tmp_path / str(seed), files(seed)))) for seed in (1, 2, 2)]
    assert [digest for *_, digest in found] == [*(identity(one, one.entries()) for one in local), ""]
    assert [kind for kind, _ in failed] == ["SourceError", "SourceError"] and "nowhere" in failed[0][1]
    assert encoder == f"someone/model@{commits[1]}"
    assert len(fetched_weights) == 3 * 2  # the header and its length; the digest of the rest is in the listing
