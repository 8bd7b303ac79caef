"""A value as text that is the same in every process: what a user's code reads, for the pin of its rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from hashlib import sha256
from pathlib import PurePath
from types import ModuleType
from typing import Any

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # in what a function or object prints itself as; another in each process


def printed(value: Any) -> str:
    """What a value prints, without the place in memory that it may name."""
    return _ADDRESS.sub("", repr(value))


def described(value: Any) -> str:
    """The content of numbers, texts, containers, arrays and tables; of anything else what it prints."""
    for convert in ("to_dict", "to_pydict"):  # tables of pandas and Arrow
        if callable(own := getattr(value, convert, None)):
            return described(own())
    if isinstance(value, PurePath):  # where a folder lies on this machine changes no row
        return f"path of {value.name}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{described(key)}: {described(one)}' for key, one in value.items())}}}"
    if isinstance(value, Set):
        return f"{{{', '.join(sorted(map(described, value)))}}}"
    if type(value) in (list, tuple):
        return f"{type(value).__name__}({', '.join(map(described, value))})"
    if callable(getattr(value, "tolist", None)):  # an array prints its edges alone
        return described(value.tolist())
    return printed(value)


def values_of(module: ModuleType) -> dict[str, str]:
    """A digest of each value of a module's own, by name. Functions, classes and modules stand by their code."""
    data = {name: value for name, value in vars(module).items() if not name.startswith("__") and _is_data(value)}
    return {name: sha256(described(value).encode()).hexdigest() for name, value in data.items()}


def _is_data(value: Any) -> bool:
    return not (callable(value) or isinstance(value, ModuleType))
