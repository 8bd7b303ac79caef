"""Whether files of the hub in the local cache are still those of their commit."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from xtransfer.base.errors import SourceError
from xtransfer.base.remembered_digests import file_digest

_NAMED = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def check_fetched(files: Iterable[Path]) -> None:
    """Raises SourceError for a file of a snapshot whose bytes are not those that it came with.

    The cache names a file by its digest: SHA-256 for large ones, git's (some copies of the hub: SHA-1) for the others.
    A file with another name, as where the cache cannot make links, is taken as it is.
    """
    for path in files:
        blob = path.resolve()
        if path.is_symlink() and _NAMED.fullmatch(blob.name) and blob.name not in _names(blob):
            raise SourceError(
                f"{path}: was changed or damaged since the hub gave it; delete {blob} and run the study again to fetch "
                "it, or copy the folder and name the copy as the encoder to use what it holds now"
            )


def _names(blob: Path) -> tuple[str, ...]:
    """What the hub may call a file."""
    if len(blob.name) == 64:
        return (file_digest(blob),)
    data = blob.read_bytes()
    header = b"blob %d\0" % len(data)
    return tuple(hashlib.sha1(text, usedforsecurity=False).hexdigest() for text in (header + data, data))
