"""Syncing files to disk, and recognizing a full disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from xtransfer.base import hub

_FULL = (errno.ENOSPC, errno.EDQUOT)


def is_full_disk(error: BaseException) -> bool:
    """Returns whether an error or one of its causes says that the disk is full."""
    return any(
        (isinstance(cause, OSError) and cause.errno in _FULL)
        or any(f"(os error {number})" in str(cause) for number in _FULL)  # safetensors' wording
        for cause in hub.causes(error)
    )


def sync(path: Path) -> None:
    """Returns once a file or folder is on the disk, so that it survives a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
