"""Plans a run that may be only part of what is recorded of its study."""

from __future__ import annotations

from dataclasses import dataclass

from xtransfer.data.revisions import Pins
from xtransfer.planning import grid
from xtransfer.study.cells import Plan
from xtransfer.study.extents import Definition, extended, left_out
from xtransfer.study.study import Study


@dataclass(frozen=True)
class Asked:
    """The plan of a run, and the plan of the whole study as it will be recorded."""

    plan: Plan
    whole: Plan
    left_out: tuple[str, ...]  # recorded parts of the study that this run leaves out: `seeds 0, 1`


def plan(study: Study, recorded: Definition | None, pins: Pins | None = None) -> Asked:
    """Plans a run that can extend the recorded study but never narrows it; `recorded` is None for a new study.

    Every run scores all languages of the study. Raises RequestError if settings other than its extent differ from the
    recorded ones, and as `grid.plan`.
    """
    if recorded is None:
        only = grid.plan(study, pins)
        return Asked(only, only, ())
    whole = extended(recorded, study)
    gone = left_out(whole, study)
    planned = grid.plan(whole, pins)
    part = grid.plan(study.model_copy(update={"languages": whole.languages}), pins) if gone else planned
    return Asked(part, planned, tuple(gone))
