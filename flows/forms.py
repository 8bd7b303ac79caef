"""Fields of the forms that start a run: what may be chosen stands in the form, and is checked again by the flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from xtransfer import benchmarks
from xtransfer.base.languages import LANGUAGES
from xtransfer.study.builtin import STUDIES
from xtransfer.translation.engines import ENGINES


def _one_of(names: Sequence[str], **more: Any) -> Any:
    """A text field that shows as a list of names. The study's own check refuses others, and says what is near."""
    return Field(json_schema_extra={"enum": list(names)}, **more)


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


def joined(values: Sequence[Any] | None, most: int = 4) -> str:
    """`de, fr, tr` as a run's name says it; of many, the first and how many more."""
    texts = [str(value) for value in values or ()]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
