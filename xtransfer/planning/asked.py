"""Plans a run that may be only part of what is recorded of its study."""

from __future__ import annotations

from dataclasses import dataclass, replace

from xtransfer.base.errors import XTransferError
from xtransfer.data.revisions import Pins
from xtransfer.planning import grid
from xtransfer.study.cells import Plan
from xtransfer.study.extents import Definition, extended, left_out
from xtransfer.study.study import Study


@dataclass(frozen=True)
class Asked:
    """The plan of a run, and what to record of its study."""

    plan: Plan
    whole: Plan  # of the study with what is recorded of it
    left_out: tuple[str, ...] = ()  # recorded parts of the study that this run leaves out: `seeds 0, 1`
    unplanned: str = ""  # why these cannot be planned now: `whole` then lacks their cells, which stay as they are


def plan(study: Study, recorded: Definition | None, pins: Pins | None = None) -> Asked:
    """Plans a run that can extend the recorded study but never narrows it; `recorded` is None for a new study.

    Every run scores all languages of the study. Raises RequestError if settings other than its extent differ from the
    recorded ones, and as `grid.plan`.
    """
    if recorded is None:
        only = grid.plan(study, pins)
        return Asked(only, only)
    whole = extended(recorded, study)
    gone = tuple(left_out(whole, study))
    if not gone:
        only = grid.plan(whole, pins)
        return Asked(only, only)
    part = grid.plan(study.model_copy(update={"languages": whole.languages}), pins)
    try:
        return Asked(part, grid.plan(whole, pins), gone)
    except XTransferError as error:  # an encoder's folder or an own benchmark that is not there any more
        return Asked(part, replace(part, study=whole), gone, str(error))
