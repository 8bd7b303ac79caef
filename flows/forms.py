"""Fields of the forms that start a run: the form lists the choices, and the flow checks them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field
from pydantic.fields import FieldInfo

from xtransfer import benchmarks
from xtransfer.base.declared import Value, from_yaml, make
from xtransfer.base.errors import RequestError
from xtransfer.base.languages import LANGUAGES
from xtransfer.study.builtin import STUDIES
from xtransfer.translation.engines import ENGINES


def _one_of(names: Sequence[str]) -> FieldInfo:
    """A text field shown as a list of names. The flow refuses other names and suggests the nearest."""
    field: FieldInfo = Field(json_schema_extra={"enum": list(names)})
    return field


StudyName = Annotated[str, _one_of(list(STUDIES))]
LanguageCode = Annotated[str, _one_of(sorted(LANGUAGES))]
EngineName = Annotated[str, _one_of(list(ENGINES))]
TrainedOn = Annotated[
    str, _one_of(sorted(one.name for one in benchmarks.BENCHMARKS.values() if one.has("train", "en")))
]
Rows = Annotated[int, BeforeValidator(lambda given: 0 if given is None else given), Field(ge=0)]
# 0: all; the UI says of a field that may be empty that it is "None", which schedules of earlier versions still have
Workers = Annotated[int, Field(ge=1, le=1024)]
OnDevice = Annotated[int, Field(ge=1, le=64)]  # stages on one device, or devices of one stage
Hours = dict[str, float]  # by kind of stage
Keep = Literal["all", "scores"]  # what of a target stays once it is scored
Options = list[str]  # OPTION=VALUE: a form with a field for each would be twice as long
How = TypeVar("How", bound="HowStagesRun")


class HowStagesRun(Value):
    """How stages run: the options of every form."""

    workers: Workers | None = None
    per_device: OnDevice | None = None
    timeout_hours: Hours | None = None


class HowTrainingsRun(HowStagesRun):
    """How stages run where some of them train."""

    devices_per_stage: OnDevice = 1


class HowStudiesRun(HowTrainingsRun):
    """How the stages of a study run."""

    keep: Keep = "all"
    budget: str | None = None


def chosen(how: type[How], options: Sequence[str]) -> How:
    """Returns what the lines `OPTION=VALUE` of a form choose; raises RequestError if they are wrong."""
    values: dict[str, Any] = {}
    for text in options:
        path, sign, value = text.partition("=")
        head, _, rest = path.strip().partition(".")
        if not sign or not head:
            raise RequestError(f"options: {text[:80]}: write OPTION=VALUE, such as workers=2")
        try:
            found = from_yaml(value)
        except ValueError as error:
            raise RequestError(f"options: {text[:80]}: {error}") from error
        values[head] = {**asked, rest: found} if rest and isinstance(asked := values.get(head, {}), dict) else found
    return make(how, values, "options")


def joined(values: Sequence[object] | None, most: int = 4) -> str:
    """`de, fr, tr` for a run's name; of more than `most`, the first ones and the count of the others."""
    texts = [str(value) for value in values or ()]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
