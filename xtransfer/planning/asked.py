"""What a run was asked for, as a part of a study of which more may be recorded."""

from __future__ import annotations

from dataclasses import dataclass

from xtransfer.data.revisions import Pins
from xtransfer.planning import grid
from xtransfer.study.cells import Plan
from xtransfer.study.extents import Definition, extended, left_out
from xtransfer.study.study import Study


@dataclass(frozen=True)
class Asked:
    """The plan of a run, and that of the study as it is recorded from then on."""

    plan: Plan
    whole: Plan
    left_out: tuple[str, ...]  # what stays recorded and is no part of this run: `seeds 0, 1`


def plan(study: Study, recorded: Definition | None, pins: Pins | None = None) -> Asked:
    """Plans a run that adds to what is recorded of the study and never narrows it; `recorded` is None for a new one.

    Every run scores all languages of the study. Raises RequestError where recorded and asked settings differ in more
    than what they cover, and as `grid.plan`.
    """
    if recorded is None:
        only = grid.plan(study, pins)
        return Asked(only, only, ())
    whole = extended(recorded, study)
    gone = left_out(whole, study)
    planned = grid.plan(whole, pins)
    part = grid.plan(study.model_copy(update={"languages": whole.languages}), pins) if gone else planned
    return Asked(part, planned, tuple(gone))
