"""Describes what a store holds under one key, to list what can be removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from xtransfer.store.manifest import Manifest, is_shared


@dataclass(frozen=True)
class Content:
    """An artifact, or the leftovers of an unfinished stage."""

    key: str
    finished: bool
    name: str  # readable; '' if unknown: an unfinished stage, a damaged manifest
    size: int  # bytes
    changed: datetime  # when it was last written, or last used by a command that records no study
    inputs: tuple[str, ...]  # keys

    @property
    def age(self) -> float:
        """Returns days since `changed`; negative if the clock of its maker is ahead."""
        return (datetime.now(UTC) - self.changed).total_seconds() / 86_400


def described(
    key: str, manifest: Manifest | None, size: int, changed: Iterable[datetime], *, finished: bool = True
) -> Content:
    """Returns the content of a key; without any times it counts as new, so that it is not removed as old."""
    name, inputs = (manifest.name, tuple(manifest.inputs.values())) if manifest else ("", ())
    return Content(key, finished, name, size, max(changed, default=datetime.now(UTC)), inputs)


def measured(folder: Path) -> tuple[int, list[datetime]]:
    """Returns bytes of all files below a folder and the change time of each entry; skips what vanishes meanwhile.

    Of a file that several artifacts share, each has an equal part of the bytes.
    """
    size, changed = 0, []
    for path in _all(folder):
        with suppress(OSError):
            stat = path.lstat()
            if not path.is_dir():
                size += stat.st_size // (max(1, stat.st_nlink - 1) if is_shared(path.name) else 1)
            changed.append(datetime.fromtimestamp(stat.st_mtime, UTC))
    return size, changed


def _all(folder: Path) -> Iterator[Path]:
    yield folder
    with suppress(OSError):
        yield from folder.rglob("*")
