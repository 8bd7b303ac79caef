"""Validates declarations that people write, as plain values or YAML; errors name every invalid field."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

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
_STRANGE = "extra_forbidden"  # pydantic's type of error for an unknown field
_BY_A_VALIDATOR = "Value error, "  # pydantic's prefix for messages of our validators
_REASONS = {
    "missing": "required",
    "too_short": "needs at least one entry",
    "string_type": "must be text",
    "finite_number": "must be a finite number",
    **dict.fromkeys(("tuple_type", "list_type"), "must be a list, such as [a, b]"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "must be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "must be a mapping of fields to values"),
    **dict.fromkeys(
        ("datetime_type", "datetime_parsing", "datetime_from_date_parsing", "datetime_object_invalid"),
        "must be a date such as 2026-11-29, or a time such as 2026-11-29T08:30",
    ),
}  # pydantic's type of error → what is wrong
_LONGEST_SHOWN = 60  # characters of a list in a message


def _checked_name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(
            f"'{value}' is not a valid name; use lower-case letters, digits, '.', '_' and '-', a letter or digit first"
        )
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
        found = _distinct(error)
        meant = {(*fault["loc"][:-1], _meant(fault, model)) for fault in found}
        faults = [
            ": ".join([*filter(None, [".".join(map(str, fault["loc"]))]), _said(fault) + _known(fault, model)])[:400]
            for fault in found
            if fault["type"] != "missing" or fault["loc"] not in meant
        ]
        raise RequestError(f"{where}: " + "; ".join(faults)) from error


def _distinct(error: ValidationError) -> list[ErrorDetails]:
    """Returns the faults of a value, without those of a list that only lacks its own invalid entries."""
    faults = error.errors()
    within = {fault["loc"][:-1] for fault in faults if fault["loc"]}
    return [fault for fault in faults if fault["type"] != "too_short" or fault["loc"] not in within]


def _said(fault: ErrorDetails) -> str:
    """Returns what is wrong with a field, and its value if that is a plain one."""
    if fault["type"] == _STRANGE:
        return "no such field"
    reason = _REASONS.get(fault["type"]) or fault["msg"].removeprefix(_BY_A_VALIDATOR)
    if fault["type"] == "value_error":  # of our validators, which name the value
        return reason
    reason = reason.replace("Input should be ", "must be ")
    value = fault["input"]
    if value is None:
        return f"{reason}, got nothing"
    if isinstance(value, bool):
        return f"{reason}, got {'true' if value else 'false'}"
    shown = isinstance(value, (str, int, float)) or (value and len(repr(value)) <= _LONGEST_SHOWN)
    return f"{reason}, got {value!r}" if shown and fault["type"] != "missing" else reason


def _known(fault: ErrorDetails, model: type[BaseModel]) -> str:
    """Returns the fields that an unknown one may be instead: the nearest, or all."""
    if fault["type"] != _STRANGE:
        return ""
    if near := _meant(fault, model):
        return f"; did you mean '{near}'?"
    fields = _fields_at(model, fault["loc"][:-1])
    return f" (known: {', '.join(fields)})" if fields else ""


def _meant(fault: ErrorDetails, model: type[BaseModel]) -> str | None:
    """Returns the field that an unknown field is a misspelling of; None if that cannot be told."""
    if fault["type"] != _STRANGE:
        return None
    near = difflib.get_close_matches(str(fault["loc"][-1]), _fields_at(model, fault["loc"][:-1]), n=1, cutoff=0.7)
    return near[0] if near else None


def _fields_at(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Returns the fields of the model at a place in a model; empty if the place is of no single model."""
    for name in place:
        if isinstance(name, int):
            continue
        inner = _models_in(model.model_fields[name].annotation) if name in model.model_fields else []
        if len(inner) != 1:
            return []
        model = inner[0]
    return [*model.model_fields]


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]


def reasons(error: ValueError, model: type[BaseModel] | None = None) -> str:
    """Returns in one line what is wrong with a value, with the field of each fault if there is one.

    With the `model` that it should be, also says what an unknown field may be instead.
    """
    if not isinstance(error, ValidationError):
        return str(error)
    said = []
    for fault in _distinct(error):
        field = ".".join(map(str, fault["loc"]))
        known = _known(fault, model) if model is not None else ""
        said.append(f"{field}: {_said(fault)}{known}" if field else _said(fault).removesuffix("."))
    return "; ".join(said)


def from_yaml(text: str) -> object:
    """Parses YAML into plain values; raises ValueError if it is invalid."""
    try:
        return yaml.safe_load(text)
    except RecursionError as error:
        raise ValueError("not valid YAML: nested too deeply") from error
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        said = _of_yaml(error).partition("; use sys.")[0]  # advice for programmers on very long numbers
        raise ValueError(f"not valid YAML: {said}"[:400]) from error


def _of_yaml(error: Exception) -> str:
    """Returns what is wrong in YAML and where, in one line."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem is None:
        return " ".join(str(error).split())
    said = error.problem.replace("'<stream end>'", "its end")
    mark = error.problem_mark
    return said if mark is None else f"{said} (line {mark.line + 1}, column {mark.column + 1})"


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
