"""Caches file digests, so that a large file is hashed once and not by every stage that reads it.

A digest is cached with the file's size, modification and change times, and inode. The change time cannot be set back,
so restoring a modification time does not hide an edit. A file written in the last seconds is hashed each time, since
another write may leave the same times. Digests are in digests/ below the cache folder; a failure there costs time,
never a result.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from uuid import uuid4

from xtransfer.base import settings
from xtransfer.base.digest import digest
from xtransfer.base.digest import file_digest as hashed

Stamp = tuple[int, ...]  # size in bytes, modified and changed in ns since 1970, inode

_SETTLED = 3_000_000_000  # ns after a change; from then on, any write changes the times
_WORTH_KEEPING = 1 << 18  # bytes; smaller files are hashed faster than looked up
_known: dict[str, tuple[Stamp, str]] = {}  # path → stamp and digest, of this process
_noted: ContextVar[dict[str, Stamp] | None] = ContextVar("noted", default=None)
_log = logging.getLogger(__name__)


def file_digest(path: Path) -> str:
    """Returns the SHA-256 of a file, in hexadecimal; raises OSError if it cannot be read."""
    path = path.absolute()
    before = stamp(path)
    if (noted := _noted.get()) is not None:
        noted[str(path)] = before
    known = _known.get(str(path)) or _read(path, before)
    if known is not None and known[0] == before:
        return known[1]
    settled = max(before[1:3]) + _SETTLED < time.time_ns()
    found = hashed(path)
    if settled and stamp(path) == before:
        _known[str(path)] = before, found
        _write(path, before, found)
    return found


def stamp(path: Path) -> Stamp:
    """Returns values that change when a file is written or replaced."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino


@contextmanager
def noting() -> Iterator[dict[str, Stamp]]:
    """Collects path → stamp of the files whose digests are requested inside."""
    noted: dict[str, Stamp] = {}
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


def _read(path: Path, now: Stamp) -> tuple[Stamp, str] | None:
    if now[0] < _WORTH_KEEPING:
        return None
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(_place(path).read_text(encoding="utf-8"))
        if kept["path"] == str(path) and tuple(kept["stamp"]) == now and len(kept["sha256"]) == 64:
            _known[str(path)] = now, kept["sha256"]
            return _known[str(path)]
    return None


def _write(path: Path, now: Stamp, found: str) -> None:
    if now[0] < _WORTH_KEEPING:
        return
    place = _place(path)
    part = place.with_name(f".{uuid4().hex}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps({"path": str(path), "stamp": now, "sha256": found}), encoding="utf-8")
        part.replace(place)
    except OSError as error:
        _log.debug("the digest of %s cannot be cached in %s: %s", path, place.parent, error)
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _place(path: Path) -> Path:
    return settings.current().cache / "digests" / f"{digest(str(path))}.json"
