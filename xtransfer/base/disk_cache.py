"""The cache of encoded rows: memory-mapped Arrow files in encoded/ below the cache folder.

A file is named `<key>-<digest of its bytes>.arrow` and renamed into place when complete, so processes can write the
same file at the same time, and damage is noticed on opening. A failure here costs time, never a result.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
from pyarrow import ipc

from xtransfer.base import settings
from xtransfer.base.digest import file_digest

_log = logging.getLogger(__name__)
_DIGITS = 32  # length of the digest in a file name
_DAY = 86_400.0  # seconds


def read(key: str) -> pa.RecordBatch | None:
    """Returns the cached batch of a key, memory-mapped; None if there is none or it is damaged."""
    for file in _folder(key).glob(f"{key}-*.arrow"):
        try:
            if file_digest(file)[:_DIGITS] == file.stem.rpartition("-")[2]:
                batch = ipc.open_file(pa.memory_map(str(file))).get_batch(0)
                with suppress(OSError):  # a shared cache may be read-only
                    os.utime(file)
                return batch
            _log.warning("%s is damaged; encoding its rows again", file)
            file.unlink()
        except (OSError, pa.ArrowException) as error:
            _log.warning("%s cannot be read (%s); encoding its rows again", file, error)
    return None


def write(key: str, batch: pa.RecordBatch) -> bool:
    """Caches a batch under a key; returns False, and logs it, if it cannot be written."""
    part = _folder(key) / f".{uuid4().hex}.part"
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with ipc.new_file(str(part), batch.schema) as writer:
            writer.write_batch(batch)
        part.rename(part.with_name(f"{key}-{file_digest(part)[:_DIGITS]}.arrow"))
    except (OSError, pa.ArrowException) as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        _log.warning("encoded rows cannot be cached in %s: %s", part.parent, error)
        return False
    return True


def unused(days: float) -> list[Path]:
    """Returns files that were not read for this many days, including leftovers of killed writers."""
    before = time.time() - days * _DAY
    found = []
    for file in _root().glob("??/*"):
        with suppress(FileNotFoundError):  # another process may clean up at the same time
            found += [file] if file.stat().st_mtime < before else []
    return sorted(found)


def size(files: Iterable[Path]) -> int:
    """Bytes of files; those that are gone by now have none."""
    total = 0
    for file in files:
        with suppress(OSError):
            total += file.stat().st_size
    return total


def remove(file: Path) -> int:
    """Deletes a file; returns the bytes freed. A process that has it mapped can still read it."""
    with suppress(FileNotFoundError):
        size = file.stat().st_size
        file.unlink()
        return size
    return 0


def _root() -> Path:
    return settings.current().cache / "encoded"


def _folder(key: str) -> Path:
    return _root() / key[:2]
