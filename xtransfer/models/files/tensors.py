"""The header of a safetensors file: what is in it, and whether the file is as long as it says.

Eight bytes with the length of the header, the header (JSON: tensor → type, shape, begin and end), then the tensors one
after the other. Only the header is read, so that a file of gigabytes behind a URL costs two small requests.
"""

from __future__ import annotations

import json
from typing import Any

from xtransfer.models.files.files import Entry, Files

_LENGTH = 8  # bytes
_MOST = 100_000_000  # bytes of a header, as the format's own reader has it


class Truncated(Exception):
    """The file is shorter than its header says: it is still being written, or its writer was killed."""


class Corrupt(Exception):
    """The file is no safetensors file."""


def names(files: Files, entry: Entry) -> set[str]:
    """The names of a file's tensors; raises Truncated or Corrupt, with the reason, where it cannot be read whole."""
    if entry.size < _LENGTH:
        raise Truncated(f"{entry.name}: {entry.size} bytes, too short for a header")
    length = int.from_bytes(files.read(entry.name, 0, _LENGTH), "little")
    if not 2 <= length <= _MOST:
        raise Corrupt(f"{entry.name}: no safetensors file (its header would be {length:,} bytes long)")
    if entry.size < _LENGTH + length:
        raise Truncated(f"{entry.name}: {entry.size:,} bytes, its header alone is {length:,}")
    tensors = _tensors(entry.name, files.read(entry.name, _LENGTH, _LENGTH + length))
    expected = _LENGTH + length + _end(entry.name, tensors)
    if entry.size < expected:
        raise Truncated(f"{entry.name}: {entry.size:,} of {expected:,} bytes")
    if entry.size > expected:
        raise Corrupt(f"{entry.name}: {entry.size:,} bytes where its header says {expected:,}")
    return set(tensors)


def _tensors(name: str, header: bytes) -> dict[str, Any]:
    try:
        values = json.loads(header)
    except ValueError as error:
        raise Corrupt(f"{name}: its header is not JSON") from error
    if not isinstance(values, dict):
        raise Corrupt(f"{name}: its header is no mapping")
    values.pop("__metadata__", None)
    return values


def _end(name: str, tensors: dict[str, Any]) -> int:
    """Where the last tensor ends; they must follow one another without a hole."""
    try:
        places = sorted((int(begin), int(end)) for begin, end in (one["data_offsets"] for one in tensors.values()))
    except (TypeError, KeyError, ValueError) as error:
        raise Corrupt(f"{name}: its header does not say where tensors are") from error
    at = 0
    for begin, end in places:
        if begin != at or end < begin:
            raise Corrupt(f"{name}: its tensors overlap or leave a hole at byte {at:,}")
        at = end
    return at
