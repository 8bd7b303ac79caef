"""The artifact store: every finished stage has one immutable artifact, named by its key.

A store is a local folder, or an fsspec URL with a local folder in front: artifacts are made there and passed on,
and those of other machines are fetched when their files are needed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from xtransfer.base.errors import StoreError
from xtransfer.base.settings import current
from xtransfer.base.stage import Stage
from xtransfer.store import address
from xtransfer.store.content import Content
from xtransfer.store.lease import Lease, Leases, lease, leases_for
from xtransfer.store.local import LocalArtifacts
from xtransfer.store.manifest import Manifest
from xtransfer.store.remote import RemoteArtifacts

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Artifact:
    """A finished stage's output."""

    key: str
    manifest: Manifest
    _fetched: Callable[[], Path] = field(repr=False, compare=False)

    @cached_property
    def folder(self) -> Path:
        """Where its files are on this machine, fetched first if need be; raises StoreError where they cannot be."""
        return self._fetched()


class ArtifactStore:
    """The artifacts that XTRANSFER_STORE names. What is unfinished, and the state to go on from, stay local."""

    def __init__(self, place: str | Path) -> None:
        where = address.parse(place)
        self.name = where.name  # for messages
        self.root = where.folder
        self._local = LocalArtifacts(where.folder)
        self._remote = RemoteArtifacts(where.url) if where.url else None

    def find(self, key: str) -> Artifact | None:
        """The artifact, if its manifest is whole and (in a folder) every file has its size; else it is missing."""
        manifest = self._remote.manifest(key) if self._remote else self._local.manifest(key)
        return self._artifact(manifest) if manifest else None

    def expect(self, keys: Iterable[str]) -> None:
        """Tell which artifacts `find` will be asked for, so that a remote store is asked for all at once."""
        if self._remote:
            self._remote.expect(keys)

    def state(self, key: str) -> Path:
        """Where an unfinished stage keeps what it needs to go on after a kill."""
        return self._local.state(key)

    @cached_property
    def leases(self) -> Leases:
        return leases_for(self._local.leases, current().database_url)

    def lease(self, key: str) -> AbstractContextManager[Lease | None]:
        """The right to make `key`, freed by the death of its holder; None where another process has it."""
        self.demand_writable()
        return self.leases.take(key)

    def made_elsewhere(self, keys: Collection[str]) -> set[str]:
        """Those of `keys` that a process, on whatever machine, makes now."""
        return self.leases.held(keys)

    def empty_out(self, key: str) -> Path:
        """A fresh folder for the output of the lease's holder; what a killed one left there is removed."""
        return self._local.empty_out(key)

    def commit(self, stage: Stage, out: Path, facts: dict[str, Any], device: str, started: datetime) -> Artifact:
        """Turn `out` into the artifact of `stage`; whoever finds it finds it whole.

        Where another machine was first, its artifact is the one. Raises StoreError where a remote store cannot take
        it: then `pass_on` will, without making it again.
        """
        manifest = self._local.commit(stage, out, facts, device, started)
        return self._passed_on(manifest)

    def pass_on(self, key: str) -> Artifact | None:
        """What was finished here and never reached the remote store, passed on; None where there is nothing.

        For the lease's holder.
        """
        manifest = self._local.manifest(key) if self._remote else None
        return self._passed_on(manifest) if manifest else None

    def discard(self, key: str, *, keep_state: bool) -> None:
        """Remove what an unfinished stage left; its state may stay for the next try."""
        self._local.discard(key, keep_state=keep_state)

    def keys(self) -> Iterator[str]:
        """Keys of all that look like artifacts, whole or not."""
        return self._remote.keys() if self._remote else self._local.keys()

    def verify(self, key: str) -> list[str]:
        """What is wrong with an artifact, digests included; empty when nothing is."""
        return self._remote.verify(key) if self._remote else self._local.verify(key)

    def contents(self) -> list[Content]:
        """All that `keys` and `unfinished` name, with sizes and times."""
        if self._remote is None:
            made = [self._local.content(key) for key in self._local.keys()]  # noqa: SIM118 - a method, no mapping
        else:
            made = [self._with_copy(one) for one in self._remote.contents()]
        return made + [self._local.content(key, finished=False) for key in self.unfinished()]

    def used(self, key: str) -> None:
        """Let an artifact count as new, where this machine has it: somebody goes on with it now."""
        self._local.used(key)

    def mark(self, name: str, text: str) -> None:
        """Write a small file `name`.json that says which database uses the store, if it is not there already.

        Raises StoreError where it cannot be written.
        """
        place, file = self._remote or self._local, f"{name}.json"
        if text not in (known for path, known in place.marks().items() if path.endswith(f"/{file}")):
            place.mark(file, text)

    def marks(self) -> dict[str, str]:
        """Where each of these files is, and its text."""
        return (self._remote or self._local).marks()

    def remove_unfinished(self, key: str) -> int | None:
        """Delete what an unfinished stage left; bytes freed, or None while a process makes it."""
        with self.leases.take(key) as ours:
            return None if ours is None else self._local.remove_unfinished(key)

    def remove(self, key: str) -> int | None:
        """Delete an artifact and what is left of an unfinished one; bytes freed, or None while a process makes it."""
        with self.leases.take(key) as ours:
            if ours is None:
                return None
            freed = self._remote.remove(key) if self._remote else 0
            return freed + self._local.remove(key)

    def unfinished(self) -> list[str]:
        """Keys of stages that were started on this machine and neither finished nor discarded."""
        return self._local.unfinished()

    def demand_writable(self) -> None:
        """Raise StoreError where nothing can be written."""
        self._local.demand_writable()
        if self._remote:
            self._remote.demand_writable()

    def _with_copy(self, one: Content) -> Content:
        """What is in the remote store, with what this machine has fetched of it."""
        if not self._local.folder(one.key).is_dir():
            return one
        copy = self._local.content(one.key)
        return replace(one, size=one.size + copy.size, changed=max(one.changed, copy.changed))

    def _artifact(self, manifest: Manifest) -> Artifact:
        return Artifact(manifest.key, manifest, partial(self._folder, manifest))

    def _passed_on(self, manifest: Manifest) -> Artifact:
        if self._remote is None:
            return self._artifact(manifest)
        theirs = self._remote.manifest(manifest.key)
        if theirs is None:
            self._remote.upload(self._local.folder(manifest.key), manifest)
        return self._artifact(theirs or manifest)

    def _folder(self, manifest: Manifest) -> Path:
        """The local folder of an artifact, downloaded by one process of this machine."""
        key = manifest.key
        if self._remote is None or self._local.manifest(key) == manifest:
            return self._local.folder(key)
        self._local.demand_writable()
        with lease(self._local.lock(f"fetch-{key}")):
            if self._local.manifest(key) != manifest:
                self._fetch(manifest, self._remote)
        return self._local.folder(key)

    def _fetch(self, manifest: Manifest, remote: RemoteArtifacts) -> None:
        folder = self._local.empty_fetching(manifest.key)
        arrived = remote.download(manifest, folder)
        if not arrived:
            self._local.adopt(folder, manifest)
            return
        what = f"artifact {manifest.key} ({manifest.name})"
        if wrong := remote.verify(manifest.key):
            remote.withdraw(manifest.key)
            raise StoreError(
                f"{what} is damaged in {self.name} and withdrawn: {'; '.join(wrong)}; run the study again to make it"
            )
        raise StoreError(f"{what} did not arrive whole from {self.name}: {'; '.join(arrived)}; try again")
