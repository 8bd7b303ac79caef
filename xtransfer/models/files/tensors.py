"""Reads the header of a safetensors file: which tensors it has, and whether the file is complete.

The format is eight bytes with the length of the header, the header (JSON: tensor → type, shape, begin and end), then
the tensors one after another. Only the header is read, so checking a file of gigabytes behind a URL takes two small
requests.
"""

from __future__ import annotations

import json
from typing import Any

from xtransfer.models.files.files import Entry, Files

_LENGTH = 8  # bytes
_MOST = 100_000_000  # maximum bytes of a header, as in safetensors' own reader


class Truncated(Exception):
    """The file is shorter than its header says: still being written, or its writer was killed."""


class Corrupt(Exception):
    """The file is not a valid safetensors file."""


def names(files: Files, entry: Entry) -> set[str]:
    """Returns the names of a file's tensors; raises Truncated or Corrupt, with the reason, if it is not complete."""
    if entry.size < _LENGTH:
        raise Truncated(f"{entry.name}: {entry.size} bytes, too short for a safetensors header")
    length = int.from_bytes(files.read(entry.name, 0, _LENGTH), "little")
    if not 2 <= length <= _MOST:
        raise Corrupt(f"{entry.name}: not a safetensors file (its header would have {length:,} bytes)")
    if entry.size < _LENGTH + length:
        raise Truncated(f"{entry.name}: {entry.size:,} bytes, but its header alone has {length:,}")
    tensors = _tensors(entry.name, files.read(entry.name, _LENGTH, _LENGTH + length))
    expected = _LENGTH + length + _end(entry.name, tensors)
    if entry.size < expected:
        raise Truncated(f"{entry.name}: {entry.size:,} of {expected:,} bytes")
    if entry.size > expected:
        raise Corrupt(f"{entry.name}: {entry.size:,} bytes, but its header says {expected:,}")
    return set(tensors)


def _tensors(name: str, header: bytes) -> dict[str, Any]:  # Any: JSON of a file
    try:
        values = json.loads(header)
    except ValueError as error:
        raise Corrupt(f"{name}: its header is not valid JSON") from error
    if not isinstance(values, dict):
        raise Corrupt(f"{name}: its header is not a JSON object")
    values.pop("__metadata__", None)
    return values


def _end(name: str, tensors: dict[str, Any]) -> int:  # Any: as `_tensors`
    """Returns where the last tensor ends; raises Corrupt if tensors overlap or leave gaps."""
    try:
        places = sorted((int(begin), int(end)) for begin, end in (one["data_offsets"] for one in tensors.values()))
    except (TypeError, KeyError, ValueError) as error:
        raise Corrupt(f"{name}: its header lacks valid data_offsets of tensors") from error
    at = 0
    for begin, end in places:
        if begin != at or end < begin:
            raise Corrupt(f"{name}: its tensors overlap or leave a gap at byte {at:,}")
        at = end
    return at
