"""Makes a recorded checkpoint available as a study's encoder: in place, at its commit, or downloaded from a URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xtransfer.base import hub
from xtransfer.base.disk import partial
from xtransfer.base.errors import DataError, SourceError
from xtransfer.models.files.files import Files
from xtransfer.models.files.identity import identity, parts
from xtransfer.models.files.sources import HUB, opened


@contextmanager
def used(location: str, digest: str, home: Path) -> Iterator[str]:
    """Gives `encoder` for a run, and checks it again afterwards: it could be swapped before the plan pins its bytes.

    Raises as `encoder`.
    """
    yield encoder(location, digest, home)
    encoder(location, digest, home)


def encoder(location: str, digest: str, home: Path) -> str:
    """Returns the encoder name for a study, after checking that the bytes are still the recorded ones.

    Raises DataError if the checkpoint is gone or has changed, SourceError if it cannot be reached.
    """
    if location.startswith(HUB):
        return location.removeprefix(HUB)
    try:
        if "://" not in location:
            return _checked(opened(location), location, digest, location)
        return _copied(location, digest, home / "checkpoints" / digest)
    except FileNotFoundError as error:
        raise DataError(f"{location}: no longer exists; keep checkpoints until they are evaluated") from error
    except DataError:
        raise
    except Exception as error:  # file systems raise their own exception classes
        raise SourceError(f"{location}: cannot be read: {hub.said(error)}") from error


def _copied(location: str, digest: str, folder: Path) -> str:
    """Copies the checkpoint's files to a local folder, all or nothing; returns the folder."""
    name = location.rstrip("/").rpartition("/")[2]
    final = folder / name
    if final.is_dir():
        return _checked(opened(str(final)), location, digest, str(final))
    files = opened(location)
    folder.mkdir(parents=True, exist_ok=True)
    with partial(final, folder=True) as part:
        for one in parts(files, files.entries()):
            files.fetch(one, str(part / one))
        _checked(opened(str(part)), location, digest, "")
        _move(part, final)
    return str(final)


def _move(part: Path, final: Path) -> None:
    try:
        part.replace(final)
    except OSError:
        if not final.is_dir():  # otherwise another watch's run has copied it meanwhile
            raise


def _checked(files: Files, location: str, digest: str, place: str) -> str:
    if identity(files, files.entries()) != digest:
        raise DataError(f"{location}: its files changed after it was recorded; run `xtransfer watch` to record them")
    return place
