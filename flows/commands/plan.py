"""`xtransfer plan`: shows what a study would run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from rich.table import Table

from flows.commands.common import AsJson, Settings, Small, StudyName, chosen, print_json
from flows.terminal import Console
from xtransfer.base.errors import RequestError

if TYPE_CHECKING:
    from xtransfer.base.stage import Stage
    from xtransfer.planning.costs import Costs, Finished
    from xtransfer.study.cells import Plan


@dataclass(frozen=True)
class Outlook:
    """A plan, and how much of it is done. If something is `unpinned`, keys cannot tell what is stored."""

    plan: Plan
    missing: Sequence[Stage]
    stored: frozenset[str]
    unpinned: tuple[str, ...]
    slots: int
    cost: Costs

    @cached_property
    def to_run(self) -> frozenset[str]:
        return frozenset(stage.key for stage in self.missing)

    @cached_property
    def seconds(self) -> float:
        """Expected wall time."""
        from xtransfer.planning.schedule import estimate

        return estimate(self.missing, self.slots, self.cost)

    @cached_property
    def by_kind(self) -> dict[str, float]:
        """Expected seconds of work by kind of stage."""
        found: dict[str, float] = {}
        for stage in self.missing:
            found[stage.kind] = found.get(stage.kind, 0.0) + self.cost(stage)
        return found

    @property
    def untimed(self) -> list[str]:
        """Kinds of stages that train or score and of which none like it has finished here."""
        kinds = {one.kind for one in self.missing if one.kind in ("train", "score") and not self.cost.timed(one)}
        return sorted(kinds, reverse=True)

    def state(self, stage: Stage) -> str:
        if self.unpinned:
            return ""
        if stage.key in self.to_run:
            return "to run"
        return "cached" if stage.key in self.stored else "not needed"


def command(study: StudyName, small: Small = False, settings: Settings = None, as_json: AsJson = False) -> None:
    """Show cells, stages, what is cached and the estimated time; run nothing. Works without a hub."""
    from xtransfer.data.revisions import PinsInReach
    from xtransfer.planning import grid

    pins = PinsInReach()
    plan = grid.plan(chosen(study, small, settings), pins)
    found = _look(plan, tuple(dict.fromkeys(pins.unpinned)))
    if as_json:
        print_json(_values(found))
        return
    console = Console()
    console.print(_stages(found))
    for line in _summary(found):
        console.print(line, highlight=False, soft_wrap=True)


def _look(plan: Plan, unpinned: tuple[str, ...]) -> Outlook:
    from xtransfer.base.settings import current
    from xtransfer.planning.costs import Costs
    from xtransfer.planning.schedule import needed
    from xtransfer.stages.slots import slots
    from xtransfer.store.artifacts import ArtifactStore

    store, places = ArtifactStore(current().store), slots()
    store.expect(stage.key for stage in plan.stages)
    missing = needed(plan, lambda key: not unpinned and store.find(key) is not None)
    done = {stage.key for stage in plan.stages} - {stage.key for stage in missing}
    stored = frozenset(key for key in done if store.find(key) is not None)
    return Outlook(
        plan, missing, stored, unpinned, len(places), Costs(plan.stages, _timed(places[0].device), len(places))
    )


def _timed(device: str) -> list[Finished]:
    from xtransfer.base.settings import current
    from xtransfer.planning.costs import finished
    from xtransfer.results.database import open_database

    try:
        with open_database(current().database_url, read_only=True) as database:
            return finished(database, device)
    except RequestError:  # there is none yet
        return []


def _values(found: Outlook) -> dict[str, object]:
    return {
        "study": found.plan.study.model_dump(mode="json"),
        "cells": [{"cell": cell.slug, "key": cell.key, "score": cell.score.key} for cell in found.plan.cells],
        "stages": [
            {
                "name": one.name,
                "kind": one.kind,
                "key": one.key,
                "to_run": None if found.unpinned else one.key in found.to_run,
                "inputs": one.inputs,
            }
            for one in found.plan.stages
        ],
        "seconds": found.seconds,
        "seconds_by_kind": found.by_kind,
        "unpinned": found.unpinned,
    }


def _stages(found: Outlook) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("stage", "key", ""):
        table.add_column(heading, overflow="fold")
    for stage in found.plan.stages:
        table.add_row(stage.name, "" if found.unpinned else stage.key[:12], found.state(stage))
    return table


def _summary(found: Outlook) -> list[str]:
    from xtransfer.base.words import counted, duration

    study = found.plan.study
    size = f"\n{study.name}: {counted(len(found.plan.cells), 'cell')}, {counted(len(found.plan.stages), 'stage')}"
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(one.kind for one in found.missing).items())
    if found.unpinned:
        lines = [f"{size} ({kinds})", _not_pinned(found)]
    else:
        to_run = f"{len(found.missing)} to run" + (f" ({kinds})" if kinds else "")
        lines = [f"{size}: {len(found.stored)} cached, {to_run}"]
        if found.missing:
            work = ", ".join(f"{kind} {duration(seconds)}" for kind, seconds in found.by_kind.items())
            lines.append(f"about {duration(found.seconds)} on {counted(found.slots, 'slot')}; work: {work}")
            if untimed := found.untimed:
                lines.append(
                    f"no {' or '.join(untimed)} stage with such a model has finished here yet: this is computed from "
                    "sizes and this machine's speed"
                )
    return [*lines, *([study.note] if study.note else [])]


def _not_pinned(found: Outlook) -> str:
    return (
        f"revisions are not pinned, so it is unknown what is cached: no mirror or hub in reach has "
        f"{', '.join(found.unpinned)} (xtransfer data check --study {found.plan.study.name})"
    )
