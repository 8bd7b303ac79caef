"""A bucket whose answers are late, refused, cut or short: nothing half is used, and what passes is retried."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.standin.faulty import Fault, Faulty, faulty
from tests.standin.s3 import Bucket, make_bucket, s3
from xtransfer.base.errors import StoreError
from xtransfer.base.stage import Stage
from xtransfer.store.artifacts import Artifact, ArtifactStore

STAGE = Stage("train", 1, "train something", {"seed": 1})
WEIGHTS = bytes(range(256)) * 4096  # 1 MiB


@pytest.fixture(scope="module")
def proxy() -> Iterator[Faulty]:
    with s3() as endpoint, faulty(endpoint) as made:
        yield made


@pytest.fixture
def bucket(proxy: Faulty, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    proxy.fault = lambda method, path: None
    made = make_bucket(proxy.endpoint, f"bucket-{abs(hash(request.node.name))}")
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture
def store(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArtifactStore:
    return _machine("one", bucket, tmp_path, monkeypatch)


@pytest.fixture
def elsewhere(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArtifactStore:
    return _machine("two", bucket, tmp_path, monkeypatch)


def _machine(name: str, bucket: Bucket, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ArtifactStore:
    monkeypatch.setenv("XTRANSFER_HOME", str(folder / name))
    return ArtifactStore(bucket.url)


def _commit(store: ArtifactStore, weights: bytes = WEIGHTS) -> Artifact:
    out = store.empty_out(STAGE.key)
    (out / "model.txt").write_bytes(weights)
    (out / "config.json").write_text("{}")
    return store.commit(STAGE, out, {"loss": 0.5}, "cpu", datetime.now(UTC))


def _is_whole(store: ArtifactStore) -> bool:
    found = store.find(STAGE.key)
    return found is not None and (found.folder / "model.txt").read_bytes() == WEIGHTS and not store.verify(STAGE.key)


@pytest.mark.parametrize("fault", ["busy", "cut", "slow"])
def test_an_upload_passes_after_faults(
    fault: Fault, proxy: Faulty, bucket: Bucket, store: ArtifactStore, elsewhere: ArtifactStore
) -> None:
    proxy.first(2, fault, method="PUT")
    _commit(store)
    assert [method for method, _ in proxy.seen].count("PUT") >= 3
    assert _is_whole(elsewhere)


@pytest.mark.parametrize("fault", ["busy", "cut"])
def test_a_large_file_goes_up_in_parts_and_a_lost_part_goes_again(
    fault: Fault, proxy: Faulty, bucket: Bucket, store: ArtifactStore, elsewhere: ArtifactStore
) -> None:
    """From 100 MiB on, in parts of 50 MiB."""
    proxy.first(2, fault, method="PUT", path="partNumber=2")
    _commit(store, WEIGHTS * 110)
    found = elsewhere.find(STAGE.key)
    assert found is not None and not elsewhere.verify(STAGE.key)
    assert (found.folder / "model.txt").stat().st_size == 110 * len(WEIGHTS)
    assert sum("partNumber=2" in path for _, path in proxy.seen) >= 3


@pytest.mark.parametrize("fault", ["busy", "cut", "short", "slow"])
def test_a_download_is_whole_or_refused(
    fault: Fault, proxy: Faulty, bucket: Bucket, store: ArtifactStore, elsewhere: ArtifactStore
) -> None:
    _commit(store)
    proxy.first(2, fault, method="GET", path="model.txt")
    found = elsewhere.find(STAGE.key)
    assert found is not None
    try:
        assert (found.folder / "model.txt").read_bytes() == WEIGHTS
    except StoreError as error:
        assert "\n" not in str(error) and bucket.url in str(error)
        local = elsewhere.root / STAGE.key[:2] / STAGE.key
        assert not local.exists()  # nothing half can be taken for the artifact
    proxy.fault = lambda method, path: None
    assert _is_whole(elsewhere)  # it was not taken for damaged in the bucket, and a further try gets it


@pytest.mark.parametrize("name", ["model.txt", "manifest.json"])
def test_a_bucket_that_refuses_every_upload(
    name: str, proxy: Faulty, bucket: Bucket, store: ArtifactStore, elsewhere: ArtifactStore
) -> None:
    proxy.first(1000, "busy", method="PUT", path=name)
    with pytest.raises(StoreError, match="XTRANSFER_STORE: s3://") as error:
        _commit(store)
    assert "\n" not in str(error.value)
    assert elsewhere.find(STAGE.key) is None
    proxy.fault = lambda method, path: None
    passed = store.pass_on(STAGE.key)  # what the next run does, without training again
    assert passed is not None and _is_whole(elsewhere)


def test_two_machines_upload_the_same_artifact_at_once(
    proxy: Faulty, bucket: Bucket, store: ArtifactStore, elsewhere: ArtifactStore, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    proxy.fault = lambda method, path: "slow" if method == "PUT" else None
    faults: list[BaseException] = []

    def commit(one: ArtifactStore) -> None:
        try:
            _commit(one)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=commit, args=(one,)) for one in (store, elsewhere)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert _is_whole(_machine("three", bucket, tmp_path, monkeypatch))


def test_a_listing_that_lags_hides_nothing_that_is_asked_for(
    proxy: Faulty, bucket: Bucket, store: ArtifactStore, elsewhere: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(elsewhere.keys()) == []
    _commit(store)
    monkeypatch.setattr(type(elsewhere._remote), "_below", lambda *_: {})  # the listing of before
    assert list(elsewhere.keys()) == [] and _is_whole(elsewhere)
