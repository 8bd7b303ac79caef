"""The files of one checkpoint, wherever it is: on a disk, behind an fsspec URL, or in a repository of the hub."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from xtransfer.base.digest import digest, stream_digest

# what fsspec's file systems call it; on a local disk `created` is when a file came there, which a copy cannot set back
_TIMES = ("mtime", "created", "LastModified", "last_modified", "updated")


@dataclass(frozen=True)
class Entry:
    """A file as its listing has it."""

    name: str
    size: int  # bytes
    changed: float | None  # seconds since 1970; None where the file system does not say
    sha256: str | None  # where the listing has it, as the hub's does of large files


class Files:
    """Files directly in one folder of an fsspec file system."""

    def __init__(self, system: Any, folder: str) -> None:
        self._system = system
        self._folder = folder.rstrip("/")

    def entries(self) -> dict[str, Entry]:
        """What the folder holds now, by name; raises FileNotFoundError where it is gone."""
        self._system.invalidate_cache(self._folder)
        listed = self._system.ls(self._folder, detail=True)
        found = [_entry(one) for one in listed if one["type"] == "file"]
        return {one.name: one for one in sorted(found, key=lambda entry: entry.name)}

    def read(self, name: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes of a file from `start` to before `end`."""
        found: bytes = self._system.cat_file(f"{self._folder}/{name}", start=start, end=end)
        return found

    def sha256(self, name: str) -> str:
        """The digest of a file's bytes, in hexadecimal."""
        with self._system.open(f"{self._folder}/{name}", "rb") as file:
            return stream_digest(file)

    def fetch(self, name: str, to: str) -> None:
        """Copy a file to a local path."""
        self._system.get_file(f"{self._folder}/{name}", to)


def fingerprint(entries: dict[str, Entry]) -> str:
    """Digest of names, sizes and times: as long as it is the same, nothing was written."""
    return digest([[one.name, one.size, one.changed] for one in entries.values()])


def last_change(entries: dict[str, Entry]) -> float | None:
    """When the newest file was written, in seconds since 1970; None where nothing says so."""
    return max((one.changed for one in entries.values() if one.changed is not None), default=None)


def _entry(listed: dict[str, Any]) -> Entry:
    large = listed.get("lfs") or {}
    sha256 = large.get("sha256") if isinstance(large, dict) else getattr(large, "sha256", None)
    moments = [_seconds(listed[name]) for name in _TIMES if listed.get(name) is not None]
    return Entry(listed["name"].rpartition("/")[2], int(listed["size"] or 0), max(moments, default=None), sha256)


def _seconds(moment: Any) -> float:
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return datetime.fromisoformat(moment).timestamp() if isinstance(moment, str) else float(moment)
