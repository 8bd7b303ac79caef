"""Where a store may be: what its URL names, and what is said of one that names nothing."""

from __future__ import annotations

import os
from pathlib import Path

import fsspec
import pytest

from xtransfer.base.errors import RequestError, StoreError
from xtransfer.store.artifacts import ArtifactStore


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(url: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(RequestError, match=r"pip install 'xtransfer\[s3\]'"):
        ArtifactStore("s3://bucket/x")


def test_an_unknown_protocol_is_named() -> None:
    with pytest.raises(RequestError, match="nosuch"):
        ArtifactStore("nosuch://bucket/x")


@pytest.mark.parametrize("url", ["ftp://no.such.host.invalid/x", "github://x/y", "dir://x", "reference://x", "zip://x"])
def test_a_file_system_that_does_not_open_is_a_wrong_request(url: str) -> None:
    with pytest.raises(RequestError, match=f"XTRANSFER_STORE: {url}.* name a folder, or s3://BUCKET/FOLDER"):
        ArtifactStore(url)


def test_secrets_of_a_url_are_not_shown() -> None:
    assert ArtifactStore("memory://me:hunter2@host/x?token=hunter2").name == "memory://me:***@host/x?token=***"
    assert "hunter2" not in str(ArtifactStore("memory://me:hunter2@host/x?token=hunter2").root)


def test_a_file_url_is_a_folder(tmp_path: Path) -> None:
    assert ArtifactStore(f"file://{tmp_path}/a%20b").root == tmp_path / "a b"
    with pytest.raises(RequestError, match="file:///folder"):
        ArtifactStore("file://elsewhere/x")


def test_the_cache_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XTRANSFER_CACHE", str(tmp_path / "fast disk"))
    one, two = ArtifactStore("memory://a"), ArtifactStore("memory://b")
    assert one.root.is_relative_to(tmp_path / "fast disk") and one.root != two.root
    assert os.fspath(ArtifactStore(tmp_path / "local").root) == os.fspath(tmp_path / "local")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"/{'x' * 300}", "cannot be used .File name too long.; name another folder"),
        (f"file:///{'x' * 300}", "cannot be used .File name too long."),
        ("file:///x%00", "cannot be used .embedded null byte."),
        (":///somewhere", "names no file system"),
    ],
)
def test_what_no_system_takes_is_refused_at_once(address: str, said: str) -> None:
    with pytest.raises(RequestError, match=f"XTRANSFER_STORE: .*{said}"):
        ArtifactStore(address)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    store = ArtifactStore(f"local://{tmp_path}/nowhere")
    for write in (store.demand_writable, lambda: store.mark("x", "{}")):
        with pytest.raises(StoreError, match=r"XTRANSFER_STORE: local://.*nowhere: cannot be written"):
            write()
