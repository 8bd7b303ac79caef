"""`MANIFEST.json` of a mirror: every file that was put there, where it came from, its size and digest."""

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
    branch: str  # what was asked for: a branch or a commit of the hub; nothing for a folder of another mirror
    revision: str  # the commit it was at, as far as it is known
    licence: str
    rows: int | None  # None: not a table
    bytes: int
    sha256: str


class Manifest(BaseModel):
    """All files of a mirror by their place in it."""

    model_config = ConfigDict(extra="forbid")

    mirror_format: int = 1
    files: dict[str, Entry] = {}

    def commit_of(self, source: str, branch: str) -> str | None:
        """The commit at which files of this branch of a source are here already."""
        held = (one.revision for one in self.files.values() if (one.source, one.branch) == (source, branch))
        return next(held, None)

    def holds(self, file: str, folder: Path) -> bool:
        """Whether a file is there and as it was written."""
        path, entry = folder / file, self.files.get(file)
        if entry is None or not path.is_file() or path.stat().st_size != entry.bytes:
            return False
        return file_digest(path) == entry.sha256

    def write(self, folder: Path) -> None:
        """Replaces the manifest at once: a reader sees the old one or the new one."""
        partial = folder / f".{FILE}.partial"
        partial.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        sync(partial)
        partial.replace(folder / FILE)


def read(folder: Path) -> Manifest:
    """The manifest of a folder, an empty one where it has none; raises RequestError for one of another kind."""
    file = folder / FILE
    if not file.exists():
        return Manifest()
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise RequestError(f"{file} is not of a mirror that this program made; name another folder") from error


def recorded(folder: Path, file: str) -> Entry | None:
    """What the manifest of a mirror that this program made says of a file; None in any other mirror."""
    try:
        return read(folder).files.get(file)
    except RequestError:
        return None
