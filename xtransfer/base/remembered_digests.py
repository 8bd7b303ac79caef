"""Digests of files that were hashed before, so that a big file is hashed once and not by every stage that reads it.

A digest is remembered with the file's size, times of modification and of change, and inode. The time of change cannot
be set back, so restoring a file's modification time does not hide an edit. A file written to in the last seconds is
hashed each time: a second write may leave the same times. Digests are kept in digests/ below the cache folder; what
fails there costs time, never a result.
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

_SETTLED = 3_000_000_000  # ns after its last change from which any further write gives a file another time
_WORTH_KEEPING = 1 << 18  # bytes; a smaller file is hashed faster than its digest is looked up
_known: dict[str, tuple[Stamp, str]] = {}  # path → stamp and digest, of this process
_noted: ContextVar[dict[str, Stamp] | None] = ContextVar("noted", default=None)
_log = logging.getLogger(__name__)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; raises OSError where it cannot be read."""
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
    """What changes when a file is written to or replaced."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino


@contextmanager
def noting() -> Iterator[dict[str, Stamp]]:
    """Collects the files whose digests are asked for inside, by path."""
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
        _log.debug("the digest of %s is not kept in %s: %s", path, place.parent, error)
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _place(path: Path) -> Path:
    return settings.current().cache / "digests" / f"{digest(str(path))}.json"
