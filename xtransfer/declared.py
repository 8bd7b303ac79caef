"""Declarations that people write: plain values or YAML, checked against a model, with every wrong field named."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from xtransfer.errors import RequestError

Declared = TypeVar("Declared", bound=BaseModel)


def make(model: type[Declared], values: dict[str, Any], where: str) -> Declared:
    """A declaration from plain values; raises RequestError that lists every wrong field at once."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = []
        for fault in error.errors():
            field = ".".join(str(step) for step in fault["loc"]) or where
            strange = fault["type"] == "extra_forbidden" and len(fault["loc"]) == 1  # fields of parts are others
            allowed = f" (known: {', '.join(model.model_fields)})" if strange else ""
            faults.append(
                f"{field}: {fault['msg'].removeprefix('Value error, ')}{allowed}, got {fault['input']!r}"[:400]
            )
        raise RequestError(f"{where}: " + "; ".join(faults)) from error


def read(model: type[Declared], file: Path) -> Declared:
    """A declaration from a YAML file."""
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestError(f"{file}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RequestError(f"{file}: is not YAML: {error}") from error
    if not isinstance(values, dict):
        kind = model.__name__.lower()
        raise RequestError(f"{file}: holds {type(values).__name__}, expected a mapping of {kind} fields")
    return make(model, values, str(file))
