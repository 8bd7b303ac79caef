"""What a study took: seconds by kind of stage and by cell, and how much of it was shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

_JOULES_PER_WATT_HOUR = 3600.0


@dataclass(frozen=True)
class Cost:
    """What the stages of one kind took."""

    kind: str
    count: int
    seconds: float
    watt_hours: float | None  # None: not measured for every one of them

    @property
    def per_stage(self) -> float:
        return self.seconds / self.count


@dataclass(frozen=True)
class Costs:
    """The whole study; every stage is counted once, however many cells it serves."""

    kinds: list[Cost]  # the dearest first
    num_stages: int
    seconds: float
    watt_hours: float | None
    per_cell: tuple[float, float, float] | None  # seconds behind one cell alone: least, median, most
    alone: float  # seconds if each cell had run its stages for itself
    num_earlier: int  # stages that were there before the study was first recorded
    seconds_earlier: float

    @property
    def saved(self) -> float:
        """Share of `alone` that sharing made unnecessary."""
        return 1 - self.seconds / self.alone if self.alone else 0.0


def costs(stages: Sequence[Any], links: Sequence[tuple[str, str]], recorded: datetime) -> Costs:
    """Costs of rows of `stage` and their links (cell, stage); `recorded` is when the study was first planned."""
    kinds: dict[str, list[Any]] = {}
    for stage in stages:
        kinds.setdefault(stage.kind, []).append(stage)
    seconds = {stage.key: stage.seconds for stage in stages}
    cells: dict[str, float] = {}
    for cell, stage in links:
        cells[cell] = cells.get(cell, 0.0) + seconds[stage]
    earlier = [stage.seconds for stage in stages if stage.started < recorded]
    per_cell = sorted(cells.values())
    return Costs(
        sorted((_cost(kind, members) for kind, members in kinds.items()), key=lambda cost: -cost.seconds),
        len(stages),
        sum(seconds.values()),
        _watt_hours(stages),
        (per_cell[0], median(per_cell), per_cell[-1]) if per_cell else None,
        sum(per_cell),
        len(earlier),
        sum(earlier),
    )


def _cost(kind: str, stages: Sequence[Any]) -> Cost:
    return Cost(kind, len(stages), sum(stage.seconds for stage in stages), _watt_hours(stages))


def _watt_hours(stages: Sequence[Any]) -> float | None:
    joules = [stage.energy_joules for stage in stages]
    return None if not joules or None in joules else sum(joules) / _JOULES_PER_WATT_HOUR
