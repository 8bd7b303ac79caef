"""`MANIFEST.json` of a mirror: every file with its origin, size and digest."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from xtransfer.base.digest import file_digest
from xtransfer.base.disk import sync
from xtransfer.base.errors import RequestError

FILE = "MANIFEST.json"


class Entry(BaseModel):
    """One file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str  # data set or model
    branch: str  # requested branch or commit on the hub; empty for a folder of another mirror
    revision: str  # its commit, if known
    licence: str
    rows: int | None  # None: not a table
    bytes: int
    sha256: str


class Manifest(BaseModel):
    """All files of a mirror by their path."""

    model_config = ConfigDict(extra="forbid")

    mirror_format: int = 1
    files: dict[str, Entry] = {}

    def commit_of(self, source: str, branch: str) -> str | None:
        """Returns the commit at which this branch of a source is already in the mirror, or None."""
        held = (one.revision for one in self.files.values() if (one.source, one.branch) == (source, branch))
        return next(held, None)

    def holds(self, file: str, folder: Path) -> bool:
        """Returns whether a file exists and is as it was written."""
        path, entry = folder / file, self.files.get(file)
        if entry is None or not path.is_file() or path.stat().st_size != entry.bytes:
            return False
        return file_digest(path) == entry.sha256

    def write(self, folder: Path) -> None:
        """Replaces the manifest atomically."""
        partial = folder / f".{FILE}.partial"
        partial.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        sync(partial)
        partial.replace(folder / FILE)


def read(folder: Path) -> Manifest:
    """Returns a folder's manifest, or an empty one; raises RequestError if the file is not ours."""
    file = folder / FILE
    if not file.exists():
        return Manifest()
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise RequestError(f"{file} was not written by this program; use another folder") from error


def recorded(folder: Path, file: str) -> Entry | None:
    """Returns the manifest entry of a file; None in a mirror that this program did not make."""
    try:
        return read(folder).files.get(file)
    except RequestError:
        return None
