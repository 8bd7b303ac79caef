"""The files of one checkpoint: on a disk, behind an fsspec URL, or in a hub repository."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from xtransfer.base.digest import digest, stream_digest

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

# Names in fsspec's file systems. On a local disk, `created` is when a file arrived there, which a copy cannot fake.
_TIMES = ("mtime", "created", "LastModified", "last_modified", "updated")


@dataclass(frozen=True)
class Entry:
    """A file as listed."""

    name: str
    size: int  # bytes
    changed: float | None  # seconds since 1970; None if the file system does not say
    sha256: str | None  # if the listing has it, as the hub's does for large files


class Files:
    """The files directly in one folder of an fsspec file system."""

    def __init__(self, system: AbstractFileSystem, folder: str) -> None:
        self._system = system
        self._folder = folder.rstrip("/")

    def entries(self) -> dict[str, Entry]:
        """Returns the current files of the folder by name; raises FileNotFoundError if the folder does not exist."""
        self._system.invalidate_cache(self._folder)
        listed = self._system.ls(self._folder, detail=True)
        found = [_entry(one) for one in listed if one["type"] == "file"]
        return {one.name: one for one in sorted(found, key=lambda entry: entry.name)}

    def read(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        """Returns the bytes of a file from `start` up to `end`."""
        found: bytes = self._system.cat_file(f"{self._folder}/{name}", start=start, end=end)
        return found

    def sha256(self, name: str) -> str:
        """Returns the hexadecimal digest of a file's bytes."""
        with self._system.open(f"{self._folder}/{name}", "rb") as file:
            return stream_digest(file)

    def fetch(self, name: str, to: str) -> None:
        """Copies a file to a local path."""
        self._system.get_file(f"{self._folder}/{name}", to)


def fingerprint(entries: dict[str, Entry]) -> str:
    """Returns a digest of names, sizes and times; while it stays the same, nothing was written."""
    return digest([[one.name, one.size, one.changed] for one in entries.values()])


def last_change(entries: dict[str, Entry]) -> float | None:
    """Returns when the newest file was written, in seconds since 1970; None if unknown."""
    return max((one.changed for one in entries.values() if one.changed is not None), default=None)


def _entry(listed: dict[str, Any]) -> Entry:  # Any: what a listing says differs by file system
    large = listed.get("lfs") or {}
    sha256 = large.get("sha256") if isinstance(large, dict) else getattr(large, "sha256", None)
    moments = [_seconds(listed[name]) for name in _TIMES if listed.get(name) is not None]
    return Entry(listed["name"].rpartition("/")[2], int(listed["size"] or 0), max(moments, default=None), sha256)


def _seconds(moment: datetime | str | float) -> float:
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return datetime.fromisoformat(moment).timestamp() if isinstance(moment, str) else float(moment)
