"""The artifact store: one immutable artifact per finished stage, named by its key.

A store is a local folder, or an fsspec URL with a local cache folder: artifacts are made in the folder, then uploaded;
artifacts of other machines are downloaded when their files are needed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path

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
        """Returns its folder on this machine, downloaded first if needed; raises StoreError if that fails."""
        return self._fetched()


class ArtifactStore:
    """The artifacts at XTRANSFER_STORE. Unfinished output and resume state stay local."""

    def __init__(self, place: str | Path) -> None:
        where = address.parse(place)
        self.name = where.name  # for messages
        self.root = where.folder
        self._local = LocalArtifacts(where.folder)
        self._remote = RemoteArtifacts(where.url) if where.url else None

    def find(self, key: str) -> Artifact | None:
        """Returns the artifact; None unless its manifest is valid and (in a local store) all file sizes match."""
        manifest = self._remote.manifest(key) if self._remote else self._local.manifest(key)
        return self._artifact(manifest) if manifest else None

    def expect(self, keys: Iterable[str]) -> None:
        """Prefetches the manifests of artifacts that `find` will need, in one request to a remote store."""
        if self._remote:
            self._remote.expect(keys)

    def state(self, key: str) -> Path:
        """Returns the folder where an unfinished stage keeps the state to resume from."""
        return self._local.state(key)

    @cached_property
    def leases(self) -> Leases:
        return leases_for(self._local.leases, current().database_url)

    def lease(self, key: str) -> AbstractContextManager[Lease | None]:
        """Takes the right to make `key`, freed when its holder dies; None if another process holds it."""
        self.demand_writable(key)
        return self.leases.take(key)

    def made_elsewhere(self, keys: Collection[str]) -> set[str]:
        """Returns those of `keys` that a process on any machine is making now."""
        return self.leases.held(keys)

    def empty_out(self, key: str) -> Path:
        """Returns an empty output folder for the lease holder; removes what a killed holder left."""
        return self._local.empty_out(key)

    def commit(
        self,
        stage: Stage,
        out: Path,
        facts: Mapping[str, object],
        device: str,
        started: datetime,
        seconds: float = 0.0,
    ) -> Artifact:
        """Turns `out` into the artifact of `stage`, atomically; returns it.

        `seconds`: how long the stage took, by a clock that nobody sets, unlike that of `started`.
        If another machine was first, returns that artifact. Raises StoreError if the upload fails; `pass_on` can
        then retry the upload without running the stage again.
        """
        manifest = self._local.commit(stage, out, facts, device, started, seconds)
        return self._passed_on(manifest)

    def pass_on(self, key: str) -> Artifact | None:
        """Uploads an artifact that was finished here but never uploaded; returns None if there is none.

        Only the lease holder may call it.
        """
        manifest = self._local.manifest(key) if self._remote else None
        return self._passed_on(manifest) if manifest else None

    def discard(self, key: str, *, keep_state: bool) -> None:
        """Removes what an unfinished stage left; `keep_state` keeps its resume state for the next attempt."""
        self._local.discard(key, keep_state=keep_state)

    def keys(self) -> Iterator[str]:
        """Yields the keys of everything that looks like an artifact, valid or not."""
        return self._remote.keys() if self._remote else self._local.keys()

    def verify(self, key: str) -> list[str]:
        """Returns what is wrong with an artifact, checking digests; empty if nothing is."""
        return self._remote.verify(key) if self._remote else self._local.verify(key)

    def contents(self) -> list[Content]:
        """Returns everything under `keys` and `unfinished`, with sizes and times."""
        if self._remote is None:
            made = [self._local.content(key) for key in self._local.keys()]  # noqa: SIM118 - a method, not a mapping
        else:
            made = [self._with_copy(one) for one in self._remote.contents()]
        return made + [self._local.content(key, finished=False) for key in self.unfinished()]

    def used(self, key: str) -> None:
        """Resets the age of an artifact's local copy, because it is in use."""
        self._local.used(key)

    def mark(self, name: str, text: str) -> None:
        """Writes the file `name`.json, which says which database uses the store, unless it exists with this text.

        Raises StoreError if it cannot be written.
        """
        place, file = self._remote or self._local, f"{name}.json"
        if text not in (known for path, known in place.marks().items() if path.endswith(f"/{file}")):
            place.mark(file, text)

    def marks(self) -> dict[str, str]:
        """Returns path → text of each mark."""
        return (self._remote or self._local).marks()

    def remove_unfinished(self, key: str) -> int | None:
        """Deletes what an unfinished stage left; returns bytes freed, or None while a process is making it."""
        with self.leases.take(key) as ours:
            return None if ours is None else self._local.remove_unfinished(key)

    def tidy(self) -> None:
        """Deletes what is of no use on this machine; logs it if it cannot.

        That is what processes left that were killed right after a commit, and files shared with no artifact.
        """
        try:
            for key in self.unfinished():
                if self.find(key):
                    self.remove_unfinished(key)
            self._local.remove_unshared()
        except (StoreError, OSError) as error:  # a run that succeeded must not fail for it
            log.warning("%s: leftovers of finished stages stay: %s", self.name, error)

    def remove(self, key: str) -> int | None:
        """Deletes an artifact, finished or not; returns bytes freed, or None while a process is making it."""
        with self.leases.take(key) as ours:
            if ours is None:
                return None
            freed = self._remote.remove(key) if self._remote else 0
            return freed + self._local.remove(key)

    def unfinished(self) -> list[str]:
        """Returns keys of stages started on this machine that neither finished nor were discarded."""
        return self._local.unfinished()

    def demand_writable(self, key: str | None = None) -> None:
        """Raises StoreError if the store, or the folder of artifact `key` in it, is not writable."""
        self._local.demand_writable(key)
        if self._remote:
            self._remote.demand_writable()

    def _with_copy(self, one: Content) -> Content:
        """Returns remote content with the size and time of its local copy added."""
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
        """Returns the local folder of an artifact; one process of this machine downloads it."""
        key = manifest.key
        if self._remote is None or self._local.manifest(key) == manifest:
            return self._local.folder(key)
        self._local.demand_writable(key)
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
                f"{what} was damaged in {self.name} and removed: {'; '.join(wrong)}; run the study again to recreate it"
            )
        raise StoreError(f"{what}: incomplete download from {self.name}: {'; '.join(arrived)}; try again")
