"""The artifact store: a folder in which every finished stage has one immutable folder, named by its key."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xtransfer.errors import RequestError, StoreError
from xtransfer.stages.spec import Stage
from xtransfer.store import manifest as manifests
from xtransfer.store.lease import lease, lease_if_free
from xtransfer.store.manifest import Manifest

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Artifact:
    """A finished stage's output."""

    key: str
    folder: Path
    manifest: Manifest


class ArtifactStore:
    """Artifacts below one local folder.

    <root>/<key[:2]>/<key>/…        finished artifacts, each with manifest.json
    <root>/.partial/<key>/          state/ of a stage that was killed, out/ of one that runs
    <root>/.leases/<key>.lock       locks, empty files
    """

    def __init__(self, root: str | Path) -> None:
        if "://" in str(root):
            raise RequestError(f"XTRANSFER_STORE: '{root}' is not a local folder; only local folders are supported")
        self.root = Path(root).absolute()

    def folder(self, key: str) -> Path:
        return self.root / key[:2] / key

    def state(self, key: str) -> Path:
        """Where an unfinished stage keeps what it needs to go on after a kill."""
        return self.root / ".partial" / key / "state"

    def find(self, key: str) -> Artifact | None:
        """The artifact, if its manifest is whole and every file has its size; a damaged one counts as missing."""
        folder = self.folder(key)
        manifest = manifests.read(folder)
        if manifest is None:
            return None
        if wrong := manifests.faults(folder, manifest):
            log.warning("artifact %s (%s) is damaged and will be made again: %s", key, manifest.name, "; ".join(wrong))
            return None
        return Artifact(key, folder, manifest)

    def lease(self, key: str, waiting: Callable[[], None] | None = None) -> AbstractContextManager[None]:
        """The right to make `key`: held by one process, freed by its death."""
        self._writable()
        return lease(self.root / ".leases" / f"{key}.lock", waiting)

    def empty_out(self, key: str) -> Path:
        """A fresh folder for the output of the lease's holder; what a killed one left there is removed."""
        out = self.root / ".partial" / key / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        self.state(key).mkdir(exist_ok=True)
        return out

    def commit(self, stage: Stage, out: Path, facts: dict[str, Any], device: str, started: datetime) -> Artifact:
        """Turn `out` into the artifact of `stage`: manifest last, everything on disk, then one rename."""
        manifest = Manifest(
            key=stage.key,
            kind=stage.kind,
            version=stage.version,
            name=stage.name,
            settings=dict(stage.settings),
            inputs=dict(stage.inputs),
            files=manifests.entries(out),
            facts=facts,
            packages=manifests.packages(),
            host=manifests.host(),
            device=device,
            started=started,
            seconds=(datetime.now(UTC) - started).total_seconds(),
        )
        for name in manifest.files:
            _sync(out / name)
        (out / manifests.FILE).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
        _sync(out / manifests.FILE)
        final = self.folder(stage.key)
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists():  # damaged, or find() would have served it
            shutil.rmtree(final)
        out.rename(final)
        _sync(final.parent)
        shutil.rmtree(self.root / ".partial" / stage.key, ignore_errors=True)
        return Artifact(stage.key, final, manifest)

    def discard(self, key: str, *, keep_state: bool) -> None:
        """Remove what an unfinished stage left; its state may stay for the next try."""
        shutil.rmtree(self.root / ".partial" / key / "out", ignore_errors=True)
        if not keep_state:
            shutil.rmtree(self.root / ".partial" / key, ignore_errors=True)

    def keys(self) -> Iterator[str]:
        """Keys of all folders that look like artifacts, whole or not."""
        for group in sorted(self.root.glob("[0-9a-f][0-9a-f]")):
            yield from sorted(folder.name for folder in group.iterdir() if folder.is_dir())

    def verify(self, key: str) -> list[str]:
        """What is wrong with an artifact, digests included; empty when nothing is."""
        manifest = manifests.read(self.folder(key))
        if manifest is None:
            return ["manifest.json: missing or not readable"]
        return manifests.faults(self.folder(key), manifest, digests=True)

    def remove(self, key: str) -> int | None:
        """Delete an artifact and what is left of an unfinished one; bytes freed, or None while a process makes it."""
        with lease_if_free(self.root / ".leases" / f"{key}.lock") as free:
            if not free:
                return None
            folders = (self.folder(key), self.root / ".partial" / key)
            freed = sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
            return freed

    def unfinished(self) -> list[str]:
        """Keys of stages that were started and neither finished nor discarded."""
        partial = self.root / ".partial"
        return sorted(folder.name for folder in partial.iterdir()) if partial.is_dir() else []

    def _writable(self) -> None:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"XTRANSFER_STORE: cannot make {self.root} ({error.strerror})") from error
        if not os.access(self.root, os.W_OK):
            raise StoreError(f"XTRANSFER_STORE: cannot write to {self.root}; set it to a folder that you own")


_FULL = (errno.ENOSPC, errno.EDQUOT)


def is_full_disk(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, says that no space is left."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        if any(f"(os error {number})" in str(error) for number in _FULL):  # as safetensors says it
            return True
        error = error.__cause__ or error.__context__
    return False


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
