"""Sampling of a mixture, kept apart from training code so that planning does not import torch.

The rules are those of jiant's multi-task samplers, which Phang et al. 2020 trained with (in proportion to the rows of
each part, to capped rows, or to a root of them), and the rotation of Chidambaram et al. 2018.
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
    """How often each part of a mixture is sampled."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rule: Literal["proportional", "rotation"] = Field(
        "proportional", description="proportional: by number of rows; rotation: one batch of each part in turn"
    )
    cap: int | None = Field(None, gt=0, description="Count at most this many rows of each part; empty: all")
    temperature: float | None = Field(
        None, ge=1, le=1000, description="Share of a part ~ rows^(1/temperature): 1 is proportional, large is equal"
    )

    @model_validator(mode="after")
    def _one_rule(self) -> Sampling:
        if self.rule == "rotation" and (self.cap is not None or self.temperature is not None):
            raise ValueError("rotation gives all parts equal turns; leave out cap and temperature")
        return self

    @property
    def slug(self) -> str:
        """`:cap5000:temperature2` or `:rotation`; empty for proportional sampling."""
        marks = [
            _ROTATION if self.rule == "rotation" else "",
            f"cap{self.cap}" if self.cap is not None else "",
            f"temperature{self.temperature:g}" if self.temperature is not None else "",
        ]
        return "".join(f":{mark}" for mark in marks if mark)

    @classmethod
    def parse(cls, marks: Sequence[str]) -> Sampling:
        """Parses marks (without their colons); raises ValueError for an invalid mark."""
        values: dict[str, object] = {}
        for mark in marks:
            if mark == _ROTATION:
                values["rule"] = mark
            elif cap := _CAP.fullmatch(mark):
                values["cap"] = int(cap[1])
            elif temperature := _TEMPERATURE.fullmatch(mark):
                values["temperature"] = float(temperature[1])
            else:
                raise ValueError(f"':{mark}' is not a valid sampling, expected :capN, :temperatureT or :rotation")
        return cls.model_validate(values)

    def batches(self, rows: Sequence[int], weights: Sequence[float], batch_size: int) -> list[int]:
        """Returns the number of batches of each part in an epoch, at least one; in total about the counted rows."""
        if self.rule == "rotation":
            turns = sum(math.ceil(number / batch_size) for number in rows) / len(rows)
            return [max(1, round(turns))] * len(rows)
        counted = [min(number, self.cap or number) for number in rows]
        shares = [
            weight * number ** (1 / (self.temperature or 1)) for weight, number in zip(weights, counted, strict=True)
        ]
        return [max(1, round(sum(counted) * share / sum(shares) / batch_size)) for share in shares]


PROPORTIONAL = Sampling()
