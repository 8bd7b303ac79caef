"""Artifacts in a local folder: each is written to a temporary folder, synced to disk, then renamed into place."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from xtransfer.base.digest import file_digest
from xtransfer.base.disk import open_like_folder, partial, sync
from xtransfer.base.errors import StoreError
from xtransfer.base.stage import Stage
from xtransfer.store import manifest as manifests
from xtransfer.store.content import Content, described, measured
from xtransfer.store.manifest import Manifest

log = logging.getLogger(__name__)
_MARKS, _SHARED = ".databases", ".shared"


class LocalArtifacts:
    """<root>/<key[:2]>/<key>/…      finished artifacts, each with manifest.json
    <root>/.partial/<key>/          state/ to resume an interrupted stage, out/ of a running one
    <root>/.fetching/<key>/         a running or interrupted download
    <root>/.leases/                 lock files, empty
    <root>/.databases/              a small file per database that uses the store
    <root>/.shared/<digest>         files that many artifacts have, each one file on the disk with theirs
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, key: str) -> Path:
        return self.root / key[:2] / key

    def partial(self, key: str) -> Path:
        return self.root / ".partial" / key

    def state(self, key: str) -> Path:
        return self.partial(key) / "state"

    @property
    def leases(self) -> Path:
        return self.root / ".leases"

    def lock(self, name: str) -> Path:
        """Returns the path of a lock file."""
        return self.leases / f"{name}.lock"

    def manifest(self, key: str) -> Manifest | None:
        """Returns the manifest; None unless it is valid, belongs to `key` and all file sizes match."""
        folder = self.folder(key)
        manifest = manifests.read(folder)
        if manifest is None:
            return None
        if wrong := manifests.naming_faults(manifest, key) or manifests.faults(folder, manifest):
            log.warning("artifact %s (%s) is damaged and will be made again: %s", key, manifest.name, "; ".join(wrong))
            return None
        return manifest

    def empty_out(self, key: str) -> Path:
        """Returns an empty output folder for the lease holder; removes what a killed holder left."""
        out = self.partial(key) / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        self.state(key).mkdir(exist_ok=True)
        return out

    def commit(
        self, stage: Stage, out: Path, facts: Mapping[str, object], device: str, started: datetime, seconds: float
    ) -> Manifest:
        """Turns `out` into the artifact of `stage`: files and manifest synced to disk, then one rename."""
        manifest = Manifest(
            key=stage.key,
            kind=stage.kind,
            version=stage.version,
            name=stage.name,
            settings=dict(stage.settings),
            inputs=dict(stage.inputs),
            files=manifests.entries(out),
            facts=dict(facts),
            packages=manifests.packages(),
            host=manifests.host(),
            device=device,
            started=started,
            seconds=seconds,
        )
        self.adopt(out, manifest)
        shutil.rmtree(self.partial(stage.key), ignore_errors=True)
        return manifest

    def adopt(self, folder: Path, manifest: Manifest) -> None:
        """Adds the manifest to a folder with all files of an artifact and renames it into place (same disk)."""
        self._share(folder, manifest)
        for name in manifest.files:
            with suppress(OSError):  # a shared file of another user
                open_like_folder(folder / name)
            sync(folder / name)
        (folder / manifests.FILE).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
        sync(folder / manifests.FILE)
        final = self.folder(manifest.key)
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists():  # damaged, or different from the remote artifact
            shutil.rmtree(final)
        folder.rename(final)
        sync(final.parent)

    def _share(self, folder: Path, manifest: Manifest) -> None:
        """Makes each shared file of `folder` the same file on the disk as other artifacts' with its content.

        Where the file system or its owner allows no links, the file stays as it is.
        """
        for name, entry in manifest.files.items():
            if not manifests.is_shared(name):
                continue
            own, common = folder / name, self.root / _SHARED / entry.sha256
            with suppress(OSError):
                common.parent.mkdir(exist_ok=True)
                if common.is_file() and file_digest(common) == entry.sha256:
                    _replace_by_link(own, common)
                else:  # there is none yet, or it was damaged
                    common.unlink(missing_ok=True)
                    os.link(own, common)

    def remove_unshared(self) -> None:
        """Deletes shared files that no artifact has any more, or had none to begin with in a copy without links."""
        for common in self.root.glob(f"{_SHARED}/*"):
            with suppress(OSError):
                if common.stat().st_nlink == 1:
                    common.unlink()

    def empty_fetching(self, key: str) -> Path:
        """Returns an empty folder to download an artifact into."""
        folder = self.root / ".fetching" / key
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def discard(self, key: str, *, keep_state: bool) -> None:
        """Removes what an unfinished stage left; `keep_state` keeps its resume state for the next attempt."""
        shutil.rmtree(self.partial(key) / "out", ignore_errors=True)
        if not keep_state:
            shutil.rmtree(self.partial(key), ignore_errors=True)

    def keys(self) -> Iterator[str]:
        """Yields the keys of all folders that look like artifacts, valid or not."""
        for group in sorted(self.root.glob("[0-9a-f][0-9a-f]")):
            yield from sorted(folder.name for folder in group.iterdir() if folder.is_dir())

    def verify(self, key: str) -> list[str]:
        """Returns what is wrong with an artifact: key, file digests, extra files; empty if nothing is."""
        folder = self.folder(key)
        manifest = manifests.read(folder)
        if manifest is None:
            return ["manifest.json: missing or unreadable"]
        changed = manifests.faults(folder, manifest, digests=True)
        return [*manifests.naming_faults(manifest, key), *changed, *manifests.extra_files(folder, manifest)]

    def content(self, key: str, *, finished: bool = True) -> Content:
        """Returns the artifact under a key, or the leftovers of an unfinished stage."""
        folder = self.folder(key) if finished else self.partial(key)
        manifest = manifests.read(folder) if finished else None
        return described(key, manifest, *measured(folder), finished=finished)

    def used(self, key: str) -> None:
        """Resets an artifact's age."""
        with suppress(OSError):  # it may be gone, or owned by someone else
            os.utime(self.folder(key) / manifests.FILE)

    def remove(self, key: str) -> int:
        """Deletes an artifact, finished or not; returns bytes freed. Raises StoreError if it cannot."""
        freed = sum(map(_removed, (self.folder(key), self.partial(key), self.root / ".fetching" / key)))
        self.remove_unshared()
        return freed

    def remove_unfinished(self, key: str) -> int:
        """Deletes the leftovers of an unfinished stage; returns bytes freed. Raises StoreError if it cannot."""
        return _removed(self.partial(key))

    def mark(self, name: str, text: str) -> None:
        """Writes a file that says which database uses the store; raises StoreError if it cannot be written."""
        file = self.root / _MARKS / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with partial(file) as part:
                part.write_text(text, encoding="utf-8")
                part.replace(file)
        except OSError as error:
            raise StoreError(f"XTRANSFER_STORE: cannot write {file} ({error.strerror})") from error

    def marks(self) -> dict[str, str]:
        """Returns path → text of each mark; an empty text for one that cannot be read."""
        return {str(file): _text(file) for file in sorted(self.root.glob(f"{_MARKS}/*.json"))}

    def unfinished(self) -> list[str]:
        """Returns keys of stages that were started but neither finished nor discarded."""
        partial = self.root / ".partial"
        return sorted(folder.name for folder in partial.iterdir()) if partial.is_dir() else []

    def demand_writable(self, key: str | None = None) -> None:
        """Raises StoreError unless the store, and what another user left of artifact `key`, can be written to."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"XTRANSFER_STORE: cannot create {self.root} ({error.strerror})") from error
        if not os.access(self.root, os.W_OK):
            raise StoreError(f"XTRANSFER_STORE: cannot write to {self.root}; set it to a folder you can write to")
        own = (self.folder(key), self.folder(key).parent, self.state(key), self.partial(key)) if key else ()
        for folder in (self.root / ".partial", self.root / ".fetching", self.leases, *own):
            if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
                raise StoreError(
                    f"XTRANSFER_STORE: cannot write to {folder}, which another user made; users who share a store "
                    f"need one group, 'chmod -R g+rwXs {self.root}' once, and 'umask 002' before each run"
                )


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    except OSError:
        return ""


def _replace_by_link(own: Path, common: Path) -> None:
    """Makes `own`, in the folder of a running stage, another name of `common`; raises OSError if that fails."""
    new = own.with_name(f".{own.name}.{uuid4().hex[:8]}")
    os.link(common, new)
    new.replace(own)


def _removed(folder: Path) -> int:
    freed, _ = measured(folder)
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StoreError(f"{folder}: cannot be removed ({error.strerror}); ask the user who made it") from error
    return freed
