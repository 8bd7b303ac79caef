"""Describes values that a user's code reads as text that is equal in every process, for the pin of its rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from hashlib import sha256
from pathlib import PurePath
from types import ModuleType

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # in the repr of functions and objects; differs by process


def printed(value: object) -> str:
    """Returns the repr of a value without memory addresses."""
    return _ADDRESS.sub("", repr(value))


def described(value: object) -> str:
    """Returns the content of numbers, texts, containers, arrays and tables; the repr of anything else."""
    for convert in ("to_dict", "to_pydict"):  # tables of pandas and Arrow
        if callable(own := getattr(value, convert, None)):
            return described(own())
    if isinstance(value, PurePath):  # the location on this machine changes no rows
        return f"path of {value.name}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{described(key)}: {described(one)}' for key, one in value.items())}}}"
    if isinstance(value, Set):
        return f"{{{', '.join(sorted(map(described, value)))}}}"
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return f"{type(value).__name__}({', '.join(map(described, value))})"
    if callable(as_list := getattr(value, "tolist", None)):  # the repr of a large array is shortened
        return described(as_list())
    return printed(value)


def values_of(module: ModuleType) -> dict[str, str]:
    """Returns name → digest of a module's own values, without functions, classes and modules."""
    data = {name: value for name, value in vars(module).items() if not name.startswith("__") and _is_data(value)}
    return {name: sha256(described(value).encode()).hexdigest() for name, value in data.items()}


def _is_data(value: object) -> bool:
    return not (callable(value) or isinstance(value, ModuleType))
