"""How many rows each part of an intermediate was trained on, as the stages recorded it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xtransfer.study.intermediate import Intermediate


@dataclass(frozen=True)
class Size:
    """The rows of one part in one intermediate."""

    intermediate: str  # slug, up to the phase that reads the part
    part: str  # slug
    rows: int


def trained_name(intermediate: Intermediate) -> str:
    """How the names of the stages begin that train the last phase of an intermediate."""
    return f"train {intermediate.slug} seed "


def sizes(intermediates: Sequence[Intermediate], stages: Sequence[Any]) -> list[Size]:
    """Of every part whose training is among the stages and recorded its rows."""
    found: dict[Size, None] = {}
    for one in intermediates:
        for number, phase in enumerate(one.phases):
            so_far = Intermediate.of(one.phases[: number + 1])
            begins = trained_name(so_far)
            run = next((stage for stage in stages if stage.kind == "train" and stage.name.startswith(begins)), None)
            rows = run.facts.get("part_rows", ()) if run is not None else ()
            found |= {Size(so_far.slug, part.slug, count): None for part, count in zip(phase.parts, rows, strict=False)}
    return list(found)
