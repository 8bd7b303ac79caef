"""Artifacts at an fsspec URL (s3://…): files are uploaded first, then the manifest that makes them an artifact.

Each file is in a folder named by its digest. Two machines that make the same artifact at once, or an interrupted
upload and its retry, never mix files: each manifest refers to its own.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, timedelta
from pathlib import Path

import fsspec
from pydantic import ValidationError

from xtransfer.base.errors import RequestError
from xtransfer.store import manifest as manifests
from xtransfer.store.content import Content, described
from xtransfer.store.manifest import FileEntry, Manifest
from xtransfer.store.remote_faults import explained, no_file_system

_DIGITS = 16  # of a file's digest in its folder's name
_BLOCK = 1 << 22  # bytes
_MARKS = ".databases"


class RemoteArtifacts:
    """<root>/<key[:2]>/<key>/manifest.json and <root>/<key[:2]>/<key>/<digest>/<file>."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except Exception as error:  # file systems raise their own exception classes
            raise RequestError(no_file_system(url, error)) from error
        self._known: dict[str, Manifest] = {}  # found ones only: artifacts never change, but missing ones may appear
        self._refused: dict[str, list[str]] = {}  # key → why its manifest does not belong to it
        self._writable = False

    def manifest(self, key: str) -> Manifest | None:
        """Returns the artifact's manifest; None if it is missing or invalid."""
        if key not in self._known:
            try:
                with explained(self.url):
                    self._learn(key, self._files.cat_file(self._manifest(key)))
            except FileNotFoundError:
                return None
        return self._known.get(key)

    def expect(self, keys: Iterable[str]) -> None:
        """Prefetches manifests in one request, so that `manifest` finds them without further requests."""
        paths = {self._manifest(key): key for key in keys if key not in self._known}
        if not paths:
            return
        with explained(self.url):
            for path, found in self._files.cat(list(paths), on_error="return").items():
                if isinstance(found, bytes):
                    self._learn(paths[path], found)
                elif not isinstance(found, FileNotFoundError):
                    raise found

    def upload(self, folder: Path, manifest: Manifest) -> None:
        """Uploads a local artifact; overwrites the leftovers of an interrupted upload."""
        with explained(self.url, writing=True):
            names = list(manifest.files)
            self._files.put(
                [str(folder / name) for name in names],
                [self._file(manifest.key, name, manifest.files[name]) for name in names],
            )
            self._files.pipe_file(self._manifest(manifest.key), manifest.model_dump_json(indent=1).encode())
        self._known[manifest.key] = manifest

    def download(self, manifest: Manifest, folder: Path) -> list[str]:
        """Downloads an artifact's files into `folder`; returns what is wrong with them, checking digests."""
        try:
            with explained(self.url):
                names = list(manifest.files)
                self._files.get(
                    [self._file(manifest.key, name, manifest.files[name]) for name in names],
                    [str(folder / name) for name in names],
                )
        except FileNotFoundError:
            pass  # `faults` reports what is missing
        return manifests.faults(folder, manifest, digests=True)

    def verify(self, key: str) -> list[str]:
        """Returns what is wrong with an artifact, reading every byte; empty if nothing is."""
        manifest = self.manifest(key)
        if manifest is None:
            return self._refused.get(key) or ["manifest.json: missing or unreadable"]
        checked = ((name, self._fault(key, name, entry)) for name, entry in manifest.files.items())
        return [f"{name}: {wrong}" for name, wrong in checked if wrong]

    def keys(self) -> Iterator[str]:
        """Yields the keys of everything that looks like an artifact, valid or not."""
        yield from sorted(self._by_key())

    def contents(self) -> list[Content]:
        """Returns everything that looks like an artifact; one without a manifest may be a running upload."""
        found = self._by_key()
        self.expect(found)
        return [self._content(key, files) for key, files in sorted(found.items())]

    def mark(self, name: str, text: str) -> None:
        """Writes a file that says which database uses the store."""
        with explained(self.url, writing=True):
            self._files.pipe_file(f"{self._root}/{_MARKS}/{name}", text.encode())

    def marks(self) -> dict[str, str]:
        """Returns path → text of each mark."""
        paths = list(self._below(f"{self._root}/{_MARKS}"))
        with explained(self.url):
            return {self._files.unstrip_protocol(path): self._files.cat_file(path).decode() for path in paths}

    def withdraw(self, key: str) -> None:
        """Removes the manifest, so that the artifact counts as missing and can be made again."""
        self._known.pop(key, None)
        self._delete(self._manifest(key))

    def remove(self, key: str) -> int:
        """Deletes an artifact, manifest first; returns bytes freed."""
        self.withdraw(key)
        folder = f"{self._root}/{key[:2]}/{key}"
        found = self._below(folder)
        if found:
            self._delete(folder)
        return sum(found.values())

    def demand_writable(self) -> None:
        """Raises StoreError if the store is not writable; checks only once."""
        if self._writable:
            return
        probe = f"{self._root}/.write-test-{manifests.host()}-{os.getpid()}"
        with explained(self.url, writing=True):
            self._files.pipe_file(probe, b"")
        self._delete(probe)
        self._writable = True

    def _learn(self, key: str, text: bytes) -> None:
        """Caches a manifest if it is valid, belongs to `key` and names only files below its folder."""
        try:
            manifest = Manifest.model_validate_json(text)
        except ValidationError:
            return
        self._refused[key] = manifests.naming_faults(manifest, key)
        outside = any(Path(name).is_absolute() or ".." in Path(name).parts for name in manifest.files)
        if not self._refused[key] and not outside:
            self._known[key] = manifest

    def _fault(self, key: str, name: str, entry: FileEntry) -> str | None:
        digest, size = hashlib.sha256(), 0
        try:
            with explained(self.url), self._files.open(self._file(key, name, entry), "rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
                    size += len(block)
        except FileNotFoundError:
            return "missing"
        if size != entry.size:
            return f"{size} bytes, expected {entry.size}"
        return None if digest.hexdigest() == entry.sha256 else "its content has changed"

    def _by_key(self) -> dict[str, dict[str, int]]:
        """Returns key → path → bytes of every file below its folder."""
        found: dict[str, dict[str, int]] = {}
        for path, size in self._below(self._root).items():
            parts = path.removeprefix(f"{self._root}/").split("/")
            if len(parts) > 2 and parts[1].startswith(parts[0]):
                found.setdefault(parts[1], {})[path] = size
        return found

    def _content(self, key: str, files: Mapping[str, int]) -> Content:
        size, manifest = sum(files.values()), self._known.get(key)
        if manifest is not None:
            return described(key, manifest, size, [manifest.started + timedelta(seconds=manifest.seconds)])
        with explained(self.url), suppress(NotImplementedError, FileNotFoundError):  # not every file system has times
            return described(key, None, size, [self._files.modified(path).astimezone(UTC) for path in files])
        return described(key, None, size, ())

    def _below(self, path: str) -> dict[str, int]:
        """Returns path → bytes of every file below `path`."""
        self._files.invalidate_cache()
        try:
            with explained(self.url):
                return {name: int(one["size"] or 0) for name, one in self._files.find(path, detail=True).items()}
        except FileNotFoundError:
            return {}

    def _delete(self, path: str) -> None:
        try:
            with explained(self.url):
                self._files.rm(path, recursive=True)
        except FileNotFoundError:
            return

    def _manifest(self, key: str) -> str:
        return f"{self._root}/{key[:2]}/{key}/{manifests.FILE}"

    def _file(self, key: str, name: str, entry: FileEntry) -> str:
        return f"{self._root}/{key[:2]}/{key}/{entry.sha256[:_DIGITS]}/{name}"
