"""Fields of the forms that start a run: the form lists the choices, and the flow checks them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field
from pydantic.fields import FieldInfo

from xtransfer import benchmarks
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
Rows = Annotated[int, Field(gt=0)]
Workers = Annotated[int, Field(ge=1, le=1024)]
OnDevice = Annotated[int, Field(ge=1, le=64)]  # stages on one device, or devices of one stage
Hours = dict[str, float]  # by kind of stage
Keep = Literal["all", "scores"]  # what of a target stays once it is scored


def joined(values: Sequence[object] | None, most: int = 4) -> str:
    """`de, fr, tr` for a run's name; of more than `most`, the first ones and the count of the others."""
    texts = [str(value) for value in values or ()]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
