"""A recorded checkpoint as an encoder of a study: where it lies, at its commit, or copied here from a URL."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from xtransfer.base import hub
from xtransfer.base.errors import DataError, SourceError
from xtransfer.models.files.files import Files
from xtransfer.models.files.identity import identity, parts
from xtransfer.models.files.sources import HUB, opened


def encoder(location: str, digest: str, home: Path) -> str:
    """What a study names as its encoder, after a check that these are still the recorded bytes.

    Raises DataError where the checkpoint is gone or another one now, SourceError where it cannot be reached.
    """
    if location.startswith(HUB):
        return location.removeprefix(HUB)
    try:
        if "://" not in location:
            return _checked(opened(location), location, digest, location)
        return _copied(location, digest, home / "checkpoints" / digest)
    except FileNotFoundError as error:
        raise DataError(f"{location}: is gone; keep checkpoints until they are evaluated") from error
    except DataError:
        raise
    except Exception as error:  # file systems raise classes of their own
        raise SourceError(f"{location}: cannot be read: {hub.said(error)}") from error


def _copied(location: str, digest: str, folder: Path) -> str:
    """The checkpoint's own files in a folder of this machine, whole or not at all."""
    name = location.rstrip("/").rpartition("/")[2]
    final = folder / name
    if final.is_dir():
        return _checked(opened(str(final)), location, digest, str(final))
    files, part = opened(location), folder / f".{name}.{os.getpid()}.partial"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        for one in parts(files, files.entries()):
            files.fetch(one, str(part / one))
        _checked(opened(str(part)), location, digest, "")
        _move(part, final)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return str(final)


def _move(part: Path, final: Path) -> None:
    try:
        part.replace(final)
    except OSError:
        if not final.is_dir():  # else the run of another watch has copied it meanwhile
            raise


def _checked(files: Files, location: str, digest: str, place: str) -> str:
    if identity(files, files.entries()) != digest:
        raise DataError(f"{location}: its bytes are not those that were recorded; the next look records what is there")
    return place
