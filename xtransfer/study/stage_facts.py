"""The facts in stages' manifests that other code reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xtransfer.base.declared import reasons
from xtransfer.base.errors import StoreError


class Facts(BaseModel):
    """Facts that a stage of any kind may have."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    processor: str = ""  # product name of the processor or GPU
    energy_joules: float | None = None  # None: no counter is readable
    degenerate: str | None = None  # why a training learned nothing

    @classmethod
    def of(cls, facts: Mapping[str, object]) -> Self:
        """Parses facts from a manifest or the database (JSON values); raises StoreError if they are of other types."""
        try:
            return cls.model_validate(facts)
        except ValidationError as error:
            raise StoreError(
                f"the facts of a stage are not those that stages write ({reasons(error)[:400]}); remove its artifact "
                "and run again"
            ) from error


class TrainFacts(Facts):
    """Facts of a training."""

    steps: int | None = None
    losses: tuple[tuple[float, float], ...] = ()  # step, loss
    part_rows: tuple[int, ...] = ()  # rows of each part
    resumed_over: tuple[str, ...] = ()  # software and processor of each attempt, where an attempt had others


class RoundTripFacts(Facts):
    """Facts of translating back; also in a translation's facts if its engine knows both directions."""

    round_trip_chrf: float | None = None  # points


class TranslateFacts(RoundTripFacts):
    """Facts of a translation."""

    rows: int
    kept: int
    dropped: Mapping[str, int] = Field(default_factory=dict)  # reason → rows
    distinct: int | None = None  # sentences
    compared: int = 0  # sentences with a human reference
    chrf: float | None = None  # points
    bleu: float | None = None  # points
    exact_match: float | None = None  # percent
    decoding: tuple[str | int | float, ...] = ("people",)


class ScoreFacts(Facts):
    """Facts of a scoring."""

    measures: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)  # language → measure → value
