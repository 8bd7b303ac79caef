"""How many rows each part of an intermediate was trained on, as the stages recorded it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xtransfer.study.intermediate import Intermediate
from xtransfer.study.stage_facts import TrainFacts


@dataclass(frozen=True)
class Size:
    """The rows of one part in one intermediate."""

    intermediate: str  # slug, up to the phase that reads the part
    part: str  # slug
    rows: int


def sizes(intermediates: Sequence[Intermediate], trained: Mapping[tuple[str, int], Any]) -> list[Size]:
    """Of every part whose training recorded its rows. `trained`: slug of an intermediate, phase → row of `stage`."""
    found: dict[Size, None] = {}
    for one in intermediates:
        for number, phase in enumerate(one.phases):
            so_far = Intermediate.of(one.phases[: number + 1])
            run = trained.get((one.slug, number))
            rows = TrainFacts.of(run.facts).part_rows if run is not None else ()
            found |= {Size(so_far.slug, part.slug, count): None for part, count in zip(phase.parts, rows, strict=False)}
    return list(found)
