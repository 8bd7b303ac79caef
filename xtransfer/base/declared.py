"""Validates declarations that people write, as plain values or YAML; errors name every invalid field."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from xtransfer.base.errors import RequestError

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
LONGEST_NAME = 100  # characters: names become parts of file names
LARGEST_SEED = 2**31 - 1  # an integer of PostgreSQL
_MOST_BYTES = 16 << 20  # of a file with a declaration
_MOST_VALUES = 100_000  # in a declaration, all lists and mappings unfolded
LARGEST_NUMBER = 2**53  # a whole number that every reader of JSON keeps
_UNPRINTABLE = re.compile("[\0-\b\v\f\x0e-\x1f\x7f\ud800-\udfff]")
_BY_A_VALIDATOR = "Value error, "  # pydantic's prefix for messages of our validators
_REASONS = {"extra_forbidden": "no such field", "missing": "required"}


def _checked_name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(f"'{value}' is not a valid name; use only lower-case letters, digits, '.', '_' and '-'")
    if len(value) > LONGEST_NAME:
        raise ValueError(f"has {len(value)} characters; a name has at most {LONGEST_NAME}")
    return value


# a name of results; the pattern lets forms reject others
Name = Annotated[str, AfterValidator(_checked_name),
             Field(json_schema_extra={"pattern": f"^{NAME.pattern}$", "maxLength": LONGEST_NAME})]  # fmt: skip
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]


class Value(BaseModel):
    """A declared value: immutable, and without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


JsonObject = dict[str, Any]  # Any: what JSON and YAML hold
Declared = TypeVar("Declared", bound=BaseModel)


def make(model: type[Declared], values: JsonObject, where: str) -> Declared:
    """Builds a declaration from plain values; raises RequestError that lists every invalid field."""
    if fault := unstorable(values):
        raise RequestError(f"{where}: {fault}")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = [
            ": ".join([*filter(None, [".".join(map(str, fault["loc"]))]), _said(fault) + _known(fault, model)])[:400]
            for fault in _distinct(error)
        ]
        raise RequestError(f"{where}: " + "; ".join(faults)) from error


def _distinct(error: ValidationError) -> list[ErrorDetails]:
    """Returns the faults of a value, without those of a list that only lacks its own invalid entries."""
    faults = error.errors()
    within = {fault["loc"][:-1] for fault in faults if fault["loc"]}
    return [fault for fault in faults if fault["type"] != "too_short" or fault["loc"] not in within]


def _said(fault: ErrorDetails) -> str:
    """Returns what is wrong with a field, and its value if that is a plain one."""
    reason = _REASONS.get(fault["type"]) or fault["msg"].removeprefix(_BY_A_VALIDATOR)
    value = fault["input"]
    plain = value is None or isinstance(value, (str, int, float))
    return f"{reason}, got {value!r}" if plain and fault["type"] != "extra_forbidden" else reason


def _known(fault: ErrorDetails, model: type[BaseModel]) -> str:
    strange = fault["type"] == "extra_forbidden" and len(fault["loc"]) == 1  # nested models have other fields
    return f" (known: {', '.join(model.model_fields)})" if strange else ""


def reasons(error: ValueError) -> str:
    """Returns in one line what is wrong with a value, with the field of each fault if there is one."""
    if not isinstance(error, ValidationError):
        return str(error)
    named = [(".".join(map(str, fault["loc"])), fault) for fault in _distinct(error)]
    return "; ".join(
        f"{field}: {_said(fault)}" if field else fault["msg"].removeprefix(_BY_A_VALIDATOR) for field, fault in named
    )


def from_yaml(text: str) -> object:
    """Parses YAML into plain values; raises ValueError if it is invalid."""
    try:
        return yaml.safe_load(text)
    except RecursionError as error:
        raise ValueError("not valid YAML: nested too deeply") from error
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"not valid YAML: {error}"[:400]) from error


def unstorable(values: object) -> str | None:
    """Returns why values cannot be stored: too many, too large numbers, unprintable characters; None if they can."""
    waiting, seen = [values], 0
    while waiting:
        value = waiting.pop()
        seen += 1
        if seen > _MOST_VALUES:
            return f"has more than {_MOST_VALUES} values, or refers to itself"
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, (list, tuple, set)):
            waiting += value
        elif isinstance(value, str) and (found := _UNPRINTABLE.search(value)):
            return f"'{value[:40]}' has the character {found[0]!a}, which cannot be stored"
        elif isinstance(value, int) and abs(value) > LARGEST_NUMBER:
            return f"a number of {len(bin(value)) - 2} bits is too large; whole numbers go up to {LARGEST_NUMBER}"
    return None


def read(model: type[Declared], file: Path) -> Declared:
    """Reads a declaration from a YAML file; raises RequestError if it cannot be read or is invalid."""
    try:
        with file.open("rb") as opened:
            data = opened.read(_MOST_BYTES + 1)  # a device may have no end
        if len(data) > _MOST_BYTES:
            raise RequestError(f"{file}: more than {_MOST_BYTES >> 20} MiB, too large for a declaration")
        values = from_yaml(data.decode())
    except OSError as error:
        raise RequestError(f"{file}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise RequestError(f"{file}: not valid YAML: {error}") from error
    except ValueError as error:
        raise RequestError(f"{file}: {error}") from error
    if not isinstance(values, dict):
        kind = model.__name__.lower()
        raise RequestError(f"{file}: expected a mapping with the fields of a {kind}, such as name: value")
    return make(model, values, str(file))
