"""What stages report of themselves in their manifests, as far as something reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field


class Facts(BaseModel):
    """Facts that a stage of any kind may report."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    processor: str = ""  # the maker's name of what computed
    energy_joules: float | None = None  # None: no counter could be read
    degenerate: str | None = None  # why a training learnt nothing

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Self:
        """Parses facts as a manifest or the database has them (JSON values)."""
        return cls.model_validate(facts)


class TrainFacts(Facts):
    """Facts of a training."""

    steps: int | None = None
    losses: tuple[tuple[float, float], ...] = ()  # step, loss
    part_rows: tuple[int, ...] = ()  # rows read of each part


class RoundTripFacts(Facts):
    """Facts of a translation's way back, which an engine that knows both directions takes at once."""

    round_trip_chrf: float | None = None  # points


class TranslateFacts(RoundTripFacts):
    """Facts of a translation."""

    rows: int
    kept: int
    dropped: Mapping[str, int] = Field(default_factory=dict)  # reason → rows
    distinct: int | None = None  # sentences
    compared: int = 0  # sentences that people have written in the language
    chrf: float | None = None  # points
    bleu: float | None = None  # points
    exact_match: float | None = None  # percent
    decoding: tuple[str | int | float, ...] = ("people",)


class ScoreFacts(Facts):
    """Facts of a scoring."""

    measures: Mapping[str, Mapping[str, float]] = Field(default_factory=dict)  # language → measure → value
