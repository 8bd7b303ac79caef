"""Declarations that people write: plain values or YAML, checked against a model, with every wrong field named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from xtransfer.base.errors import RequestError

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_BY_A_VALIDATOR = "Value error, "  # what pydantic puts before what a validator of ours says


def _checked_name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(f"'{value}' may hold lower-case letters, digits, '.', '_' and '-' only")
    return value


# a name that results are kept under; the pattern makes a form refuse others
Name = Annotated[str, AfterValidator(_checked_name), Field(json_schema_extra={"pattern": f"^{NAME.pattern}$"})]


class Value(BaseModel):
    """A declared value: never changed, and without fields that it does not have."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
                f"{field}: {fault['msg'].removeprefix(_BY_A_VALIDATOR)}{allowed}, got {fault['input']!r}"[:400]
            )
        raise RequestError(f"{where}: " + "; ".join(faults)) from error


def reasons(error: ValueError) -> str:
    """What is wrong with a value, in a line; of a model's faults each with its field, where it is of one."""
    if not isinstance(error, ValidationError):
        return str(error)
    faults = [(".".join(map(str, fault["loc"])), fault) for fault in error.errors()]
    said = [(field, fault["msg"].removeprefix(_BY_A_VALIDATOR), fault["input"]) for field, fault in faults]
    return "; ".join(f"{field}: {reason}, got {value!r}" if field else reason for field, reason, value in said)


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
