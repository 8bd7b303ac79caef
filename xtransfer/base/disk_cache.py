"""Files of encoded rows in encoded/ below the cache folder: Arrow files that are mapped, not read.

A file is named `<key>-<digest of its bytes>.arrow` and moved there whole, so that processes may write the same
one at once and damage shows when it is opened. Whatever fails here costs time, never a result.
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
_DIGITS = 32  # of the digest in a name
_DAY = 86_400.0  # seconds


def read(key: str) -> pa.RecordBatch | None:
    """What was kept under a key, mapped; None where nothing is, or nothing whole."""
    for file in _folder(key).glob(f"{key}-*.arrow"):
        try:
            if file_digest(file)[:_DIGITS] == file.stem.rpartition("-")[2]:
                batch = ipc.open_file(pa.memory_map(str(file))).get_batch(0)
                with suppress(OSError):  # somebody else's cache may be read-only
                    os.utime(file)
                return batch
            _log.warning("%s is damaged; its rows are encoded again", file)
            file.unlink()
        except (OSError, pa.ArrowException) as error:
            _log.warning("%s cannot be read (%s); its rows are encoded again", file, error)
    return None


def write(key: str, batch: pa.RecordBatch) -> bool:
    """Keep a batch under a key; False, and a line in the log, where the disk does not take it."""
    part = _folder(key) / f".{uuid4().hex}.part"
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with ipc.new_file(str(part), batch.schema) as writer:
            writer.write_batch(batch)
        part.rename(part.with_name(f"{key}-{file_digest(part)[:_DIGITS]}.arrow"))
    except (OSError, pa.ArrowException) as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        _log.warning("encoded rows are not kept in %s: %s", part.parent, error)
        return False
    return True


def unused(days: float) -> list[Path]:
    """Files that nothing has read for so many days, and what killed writers left so long ago."""
    before = time.time() - days * _DAY
    found = []
    for file in _root().glob("??/*"):
        with suppress(FileNotFoundError):  # somebody else cleans too
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
    """Delete a file; bytes freed. A process that has it mapped keeps what it reads."""
    with suppress(FileNotFoundError):
        size = file.stat().st_size
        file.unlink()
        return size
    return 0


def _root() -> Path:
    return settings.current().cache / "encoded"


def _folder(key: str) -> Path:
    return _root() / key[:2]
