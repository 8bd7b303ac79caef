"""The manifest of an artifact: what it is, its inputs, how it was made."""

from __future__ import annotations

import importlib.metadata
import platform
import socket
from datetime import datetime
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from xtransfer.base.declared import JsonObject
from xtransfer.base.digest import file_digest, visible_files
from xtransfer.base.stage import Stage
from xtransfer.base.version import __version__

FILE = "manifest.json"
_SHARED = "shared-"  # begins the names of files that many artifacts have
_PACKAGES = ("torch", "transformers", "tokenizers", "datasets", "accelerate", "evaluate", "numpy")


class FileEntry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int  # bytes
    sha256: str


class Manifest(BaseModel):
    """Provenance of one artifact. Written last: a folder without it is not an artifact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    kind: str
    version: int
    name: str
    settings: JsonObject
    inputs: dict[str, str]  # name → key
    files: dict[str, FileEntry]
    facts: JsonObject  # what the stage reports of itself: losses, counts, scores
    packages: dict[str, str]
    host: str
    device: str
    started: datetime
    seconds: float


def is_shared(name: str) -> bool:
    """Returns whether many artifacts have a file of this name alike, so that a local store has it once on the disk."""
    return name.startswith(_SHARED) or name == "tokenizer.json"


def read(folder: Path) -> Manifest | None:
    """Returns the manifest in `folder`; None if it is missing or invalid."""
    file = folder / FILE
    try:
        return Manifest.model_validate_json(file.read_bytes()) if file.is_file() else None  # a pipe may have no end
    except (OSError, ValidationError):
        return None


def entries(folder: Path) -> dict[str, FileEntry]:
    """Returns relative path → size and digest of every file below `folder`."""
    return {
        path.relative_to(folder).as_posix(): FileEntry(size=path.stat().st_size, sha256=file_digest(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def faults(folder: Path, manifest: Manifest, *, digests: bool = False) -> list[str]:
    """Returns what is wrong with an artifact's files: missing, wrong size and, if `digests`, changed content."""
    found = []
    for name, entry in manifest.files.items():
        path = folder / name
        if not path.is_file():
            found.append(f"{name}: missing")
        elif path.stat().st_size != entry.size:
            found.append(f"{name}: {path.stat().st_size} bytes, expected {entry.size}")
        elif digests and file_digest(path) != entry.sha256:
            found.append(f"{name}: its content has changed")
    return found


def naming_faults(manifest: Manifest, key: str) -> list[str]:
    """Returns why a manifest does not belong to `key`: a different key, or settings and inputs that do not match it."""
    made_from = Stage(manifest.kind, manifest.version, manifest.name, manifest.settings, manifest.inputs).key
    if made_from == manifest.key == key:
        return []
    if made_from == manifest.key:
        return [f"{FILE}: belongs to artifact {manifest.key}; the folder was renamed or copied"]
    return [f"{FILE}: was edited; its kind, version, settings and inputs give the key {made_from}"]


def extra_files(folder: Path, manifest: Manifest) -> list[str]:
    """Returns files missing from the manifest; ignores hidden files, which nothing reads."""
    names = {path.relative_to(folder).as_posix() for path in visible_files(folder)} - {FILE, *manifest.files}
    return [f"{name}: is not in {FILE}; it was added later" for name in sorted(names)]


@cache
def packages() -> dict[str, str]:
    """Returns package → version, for packages that can affect results."""
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
