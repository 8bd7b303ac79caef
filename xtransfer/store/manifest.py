"""The manifest beside every artifact: what it is, what it came from, how it was made."""

from __future__ import annotations

import importlib.metadata
import platform
import socket
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from xtransfer import __version__
from xtransfer.digest import file_digest

FILE = "manifest.json"
_PACKAGES = ("torch", "transformers", "tokenizers", "datasets", "accelerate", "evaluate", "numpy")


class FileEntry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int  # bytes
    sha256: str


class Manifest(BaseModel):
    """Provenance of one artifact. Written last: without it a folder is no artifact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    kind: str
    version: int
    name: str
    settings: dict[str, Any]
    inputs: dict[str, str]  # name → key
    files: dict[str, FileEntry]
    facts: dict[str, Any]  # what the stage reports of itself: losses, counts, scores
    packages: dict[str, str]
    host: str
    device: str
    started: datetime
    seconds: float


def read(folder: Path) -> Manifest | None:
    """The manifest in `folder`, or None where there is none that is whole."""
    try:
        return Manifest.model_validate_json((folder / FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def entries(folder: Path) -> dict[str, FileEntry]:
    """Size and digest of every file below `folder`."""
    return {
        path.relative_to(folder).as_posix(): FileEntry(size=path.stat().st_size, sha256=file_digest(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def faults(folder: Path, manifest: Manifest, *, digests: bool = False) -> list[str]:
    """What is wrong with the files of an artifact: missing, of another size, and (asked for) of other bytes."""
    found = []
    for name, entry in manifest.files.items():
        path = folder / name
        if not path.is_file():
            found.append(f"{name}: missing")
        elif path.stat().st_size != entry.size:
            found.append(f"{name}: {path.stat().st_size} bytes, expected {entry.size}")
        elif digests and file_digest(path) != entry.sha256:
            found.append(f"{name}: its bytes have changed")
    return found


@cache
def packages() -> dict[str, str]:
    """Versions that a result may depend on."""
    versions = {"xtransfer": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


@cache
def host() -> str:
    return socket.gethostname()
