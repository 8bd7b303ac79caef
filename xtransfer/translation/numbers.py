"""Number formats of CTranslate2's models, and which a device computes in."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from xtransfer.base.errors import RequestError

NumberFormat = Literal["int8", "int8_float32", "int8_float16", "float16", "float32"]
_INT8 = {"cpu": "int8_float32", "cuda": "int8_float16"}  # weights in int8, all else in what the device is fast in


def computed_in(number_format: NumberFormat, device: str, able: Collection[str]) -> str:
    """CTranslate2's name for what a model of a format is computed in; raises RequestError where the device is not
    `able` to (asked for it, CTranslate2 would compute in another format and not tell)."""
    wanted = _INT8[device] if number_format == "int8" else number_format
    if wanted not in able:
        raise RequestError(
            f"this machine's {device} does not compute in {wanted} (it does in {', '.join(sorted(able))}): name the "
            "engine with another format behind it, such as .int8 or .float32"
        )
    return wanted
