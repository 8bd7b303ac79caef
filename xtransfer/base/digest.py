"""Digests of values (as canonical JSON) and of files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import IO

_BLOCK = 1 << 20


def canonical(value: object) -> str:
    """Returns `value` as JSON with sorted keys and no spaces, so that equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(*values: object) -> str:
    """Returns the first 32 hexadecimal digits of the SHA-256 of `values` as canonical JSON."""
    return hashlib.sha256(canonical(values).encode()).hexdigest()[:32]


def file_digest(path: Path) -> str:
    """Returns the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return stream_digest(file)


def stream_digest(file: IO[bytes]) -> str:
    """Returns the SHA-256 of the rest of an open file, in hexadecimal."""
    sha = hashlib.sha256()
    while block := file.read(_BLOCK):
        sha.update(block)
    return sha.hexdigest()


def visible_files(folder: Path) -> list[Path]:
    """Returns all files below `folder`, sorted, without hidden ones and those in hidden folders."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
