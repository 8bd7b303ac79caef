"""How many rows each part of an intermediate was trained on, as its stages recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xtransfer.results.schema import StageRow
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.stage_facts import TrainFacts


@dataclass(frozen=True)
class Size:
    """The number of rows of one part in one intermediate."""

    intermediate: str  # slug, up to the phase that reads the part
    part: str  # slug
    rows: int


def sizes(intermediates: Sequence[Intermediate], trained: Mapping[tuple[str, int], StageRow]) -> list[Size]:
    """Returns the size of every part whose training recorded it. `trained`: (slug, phase) → the stage that ran it."""
    found: dict[Size, None] = {}
    for one in intermediates:
        for number, phase in enumerate(one.phases):
            so_far = Intermediate.of(one.phases[: number + 1])
            run = trained.get((one.slug, number))
            rows = TrainFacts.of(run.facts).part_rows if run is not None else ()
            found |= {Size(so_far.slug, part.slug, count): None for part, count in zip(phase.parts, rows, strict=False)}
    return list(found)
