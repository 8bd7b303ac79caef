"""Reads the header of a safetensors file: which tensors it has, and whether the file is complete.

The format is eight bytes with the length of the header, the header (JSON: tensor → type, shape, begin and end), then
the tensors one after another. Only the header is read, so checking a file of gigabytes behind a URL takes two small
requests.
"""

from __future__ import annotations

import json
import math
from typing import Any

from xtransfer.models.files.files import Entry, Files

_LENGTH = 8  # bytes
_BITS = {
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16), **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
}  # per number  # fmt: skip
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
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"{name}: its header is not valid JSON") from error
    if not isinstance(values, dict):
        raise Corrupt(f"{name}: its header is not a JSON object")
    values.pop("__metadata__", None)
    return values


def _end(name: str, tensors: dict[str, Any]) -> int:  # Any: as `_tensors`
    """Returns where the last tensor ends; raises Corrupt if tensors overlap, leave gaps or do not have their size."""
    places = sorted((*_place(name, values), tensor) for tensor, values in tensors.items())
    at = 0
    for begin, end, _ in places:
        if begin != at or end < begin:
            raise Corrupt(f"{name}: its tensors overlap or leave a gap at byte {at:,}")
        at = end
    for begin, end, tensor in places:
        dtype, bits = tensors[tensor]["dtype"], _BITS.get(tensors[tensor]["dtype"])
        if bits is not None and math.prod(tensors[tensor]["shape"]) * bits != (end - begin) * 8:
            raise Corrupt(f"{name}: tensor {tensor[:80]} has {end - begin:,} bytes, not those of its shape in {dtype}")
    return at


def _place(name: str, values: Any) -> tuple[int, int]:  # Any: as `_tensors`
    """Returns where a tensor begins and ends."""
    match values:
        case {"dtype": str(), "shape": [*shape], "data_offsets": [begin, end]} if all(
            type(one) is int and one >= 0 for one in (*shape, begin, end)
        ):
            return begin, end
    raise Corrupt(f"{name}: its header lacks valid data_offsets of tensors")
