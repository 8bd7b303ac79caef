"""What the store asks of the local disk: bytes that stay after a power cut, and whether it is full."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from xtransfer.base import hub

_FULL = (errno.ENOSPC, errno.EDQUOT)


def is_full_disk(error: BaseException) -> bool:
    """Whether an error, or what caused it, says that no space is left."""
    return any(
        (isinstance(cause, OSError) and cause.errno in _FULL)
        or any(f"(os error {number})" in str(cause) for number in _FULL)  # as safetensors says it
        for cause in hub.causes(error)
    )


def sync(path: Path) -> None:
    """Return when a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
