"""Writing files and folders whole, syncing them to disk, and recognizing a full disk."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from xtransfer.base import hub
from xtransfer.base.errors import RequestError

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


def open_like_folder(path: Path) -> None:
    """Lets those read and write a file who may read and write its folder.

    safetensors makes its files readable by their owner alone, so that no other user of a shared store could load them.
    """
    path.chmod(path.parent.stat().st_mode & 0o666)


@contextmanager
def partial(final: Path, *, folder: bool = False) -> Iterator[Path]:
    """Gives a new empty file or folder beside `final`, to write to and then rename; removed on exit if not renamed.

    Also removes those that killed processes left beside `final`: a living process holds a lock on its own. Raises
    OSError if it cannot be created.
    """
    _remove_left(final)
    part, handle = _locked(final, folder=folder)
    try:
        yield part
    finally:
        _remove(part)
        os.close(handle)


def _locked(final: Path, *, folder: bool) -> tuple[Path, int]:
    while True:
        part = final.with_name(f".{final.name}.{uuid4().hex[:8]}.partial")
        if folder:
            part.mkdir()
        else:
            part.touch(exist_ok=False)
        handle = os.open(part, os.O_RDONLY)
        with suppress(OSError):  # a file system without locks: nothing is taken for left there
            fcntl.flock(handle, fcntl.LOCK_EX)
        if part.exists():  # otherwise another process took it for left, before it was locked
            return part, handle
        os.close(handle)


def _remove_left(final: Path) -> None:
    for part in final.parent.glob(f".{glob.escape(final.name)}.*.partial"):
        with suppress(OSError):  # a living process's, another user's, or removed meanwhile
            handle = os.open(part, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(part)
            finally:
                os.close(handle)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yields a temporary folder that is renamed to `out` on success and removed otherwise.

    Raises RequestError if `out` exists and is not empty, or cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RequestError(f"{out}: already exists; choose a new or an empty folder")
    try:
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        with partial(out.absolute(), folder=True) as part:
            yield part
            for path in part.rglob("*"):
                if path.is_file():
                    open_like_folder(path)
            part.rename(out)
    except OSError as error:
        raise RequestError(f"{out}: cannot be written ({error.strerror})") from error
