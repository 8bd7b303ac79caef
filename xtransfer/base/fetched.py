"""Checks that cached hub files still have the bytes of their commit."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from xtransfer.base.errors import SourceError
from xtransfer.base.remembered_digests import file_digest

_NAMED = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def check_fetched(files: Iterable[Path]) -> None:
    """Raises SourceError for a snapshot's file whose bytes have changed since it was downloaded.

    The cache names a file by its digest: SHA-256 for large files, git's (in some hub mirrors SHA-1) for others. A file
    with another name, as in a cache without links, is not checked.
    """
    for path in files:
        blob = path.resolve()
        if path.is_symlink() and _NAMED.fullmatch(blob.name) and blob.name not in _names(blob):
            raise SourceError(
                f"{path}: changed or damaged since it was downloaded; delete {blob} and run the study again to "
                "download it again, or copy the folder and use the copy as the encoder to keep the changes"
            )


def _names(blob: Path) -> tuple[str, ...]:
    """Returns the names that the hub may give a file."""
    if len(blob.name) == 64:
        return (file_digest(blob),)
    data = blob.read_bytes()
    header = b"blob %d\0" % len(data)
    return tuple(hashlib.sha1(text, usedforsecurity=False).hexdigest() for text in (header + data, data))
