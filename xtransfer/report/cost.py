"""The cost of a study: seconds by kind of stage and by cell, and how much sharing saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from xtransfer.results.schema import StageRow

_JOULES_PER_WATT_HOUR = 3600.0


@dataclass(frozen=True)
class Cost:
    """The cost of all stages of one kind."""

    kind: str
    count: int
    seconds: float
    watt_hours: float | None  # None unless every stage was measured

    @property
    def per_stage(self) -> float:
        return self.seconds / self.count


@dataclass(frozen=True)
class Costs:
    """The cost of the whole study. A stage counts once, however many cells it serves."""

    kinds: list[Cost]  # most expensive first
    num_stages: int
    seconds: float
    watt_hours: float | None
    per_cell: tuple[float, float, float] | None  # seconds of the stages behind one cell: minimum, median, maximum
    alone: float  # seconds if every cell had run its own stages
    num_earlier: int  # stages that ran before the study was first recorded
    seconds_earlier: float

    @property
    def saved(self) -> float:
        """The share (0 to 1) of `alone` that sharing saved."""
        return 1 - self.seconds / self.alone if self.alone else 0.0


def costs(stages: Sequence[StageRow], links: Sequence[tuple[str, str]], recorded: datetime) -> Costs:
    """Returns the cost of stages and their `links` (cell, stage). `recorded` is when the study was first planned."""
    kinds: dict[str, list[StageRow]] = {}
    for stage in stages:
        kinds.setdefault(stage.kind, []).append(stage)
    seconds = {stage.key: stage.seconds for stage in stages}
    cells: dict[str, float] = {}
    for cell, key in links:
        cells[cell] = cells.get(cell, 0.0) + seconds[key]
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


def _cost(kind: str, stages: Sequence[StageRow]) -> Cost:
    return Cost(kind, len(stages), sum(stage.seconds for stage in stages), _watt_hours(stages))


def _watt_hours(stages: Sequence[StageRow]) -> float | None:
    joules = [stage.energy_joules for stage in stages if stage.energy_joules is not None]
    return sum(joules) / _JOULES_PER_WATT_HOUR if joules and len(joules) == len(stages) else None
