"""How a mixture is sampled, apart from its code, so that planning a study does not import torch.

The rules are those of multi-task samplers in jiant, with which Phang et al. 2020 trained: in proportion to the
rows of each part, in proportion to at most so many, or to a root of them; and the turns of Chidambaram et al. 2018.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_CAP = re.compile(r"cap(\d+)")
_TEMPERATURE = re.compile(r"temperature(\d+(\.\d+)?)")
_ROTATION = "rotation"


class Sampling(BaseModel):
    """How often each part of a mixture has its turn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["proportional", "rotation"] = Field(
        "proportional", description="proportional to the rows of a part; rotation: one batch of each part after another"
    )
    cap: int | None = Field(None, gt=0, description="Count at most so many rows of each part; empty: all")
    temperature: float | None = Field(
        None, ge=1, le=1000, description="Share of a part ~ rows^(1/temperature): 1 proportional, large equal"
    )

    @model_validator(mode="after")
    def _one_rule(self) -> Sampling:
        if self.rule == "rotation" and (self.cap is not None or self.temperature is not None):
            raise ValueError("in rotation every part has equally many turns: leave out cap and temperature")
        return self

    @property
    def slug(self) -> str:
        """`:cap5000:temperature2`, `:rotation`; nothing where parts are sampled in proportion to their rows."""
        marks = [
            _ROTATION if self.rule == "rotation" else "",
            f"cap{self.cap}" if self.cap is not None else "",
            f"temperature{self.temperature:g}" if self.temperature is not None else "",
        ]
        return "".join(f":{mark}" for mark in marks if mark)

    @classmethod
    def parse(cls, marks: Sequence[str]) -> Sampling:
        """The sampling of marks without their colons; raises ValueError for a mark that is none."""
        values: dict[str, object] = {}
        for mark in marks:
            if mark == _ROTATION:
                values["rule"] = mark
            elif cap := _CAP.fullmatch(mark):
                values["cap"] = int(cap[1])
            elif temperature := _TEMPERATURE.fullmatch(mark):
                values["temperature"] = float(temperature[1])
            else:
                raise ValueError(f"':{mark}' is none of :capN, :temperatureT and :rotation")
        return cls.model_validate(values)

    def batches(self, rows: Sequence[int], weights: Sequence[float], batch_size: int) -> list[int]:
        """Batches of each part in an epoch, at least one: together about as many rows as are counted."""
        if self.rule == "rotation":
            turns = sum(math.ceil(number / batch_size) for number in rows) / len(rows)
            return [max(1, round(turns))] * len(rows)
        counted = [min(number, self.cap or number) for number in rows]
        shares = [
            weight * number ** (1 / (self.temperature or 1)) for weight, number in zip(weights, counted, strict=True)
        ]
        return [max(1, round(sum(counted) * share / sum(shares) / batch_size)) for share in shares]


PROPORTIONAL = Sampling()
