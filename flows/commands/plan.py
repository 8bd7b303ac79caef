"""`xtransfer plan`: shows what a study would run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.common import AsJson, Settings, Small, StudyName, chosen, print_json
from flows.terminal import Console, Table
from xtransfer.base.errors import RequestError

if TYPE_CHECKING:
    from xtransfer.base.stage import Stage
    from xtransfer.planning.costs import Costs, Finished
    from xtransfer.stages.slots import Slot
    from xtransfer.study.cells import Plan

_AT_MOST = ("by rounds: the study stops when its question is settled, and this is the most that it may run",)
Stages = Annotated[bool, typer.Option("--stages", help="List every stage with its key.")]


@dataclass(frozen=True)
class Outlook:
    """A plan, and how much of it is done. If something is `unpinned`, keys cannot tell what is stored."""

    plan: Plan
    missing: Sequence[Stage]
    stored: frozenset[str]
    unpinned: tuple[str, ...]
    slots: Sequence[Slot]
    cost: Costs

    @cached_property
    def to_run(self) -> frozenset[str]:
        return frozenset(stage.key for stage in self.missing)

    @cached_property
    def seconds(self) -> float:
        """Expected wall time."""
        from xtransfer.planning.schedule import estimate

        return estimate(self.missing, len(self.slots), self.cost)

    @cached_property
    def by_kind(self) -> dict[str, float]:
        """Expected seconds of work by kind of stage."""
        found: dict[str, float] = {}
        for stage in self.missing:
            found[stage.kind] = found.get(stage.kind, 0.0) + self.cost(stage)
        return found

    @property
    def device_hours(self) -> tuple[float, str]:
        """Expected hours of all GPUs or CPU cores together, and which of them."""
        work = sum(self.by_kind.values()) / 3600
        slot = self.slots[0]
        return (work, "GPU") if slot.device != "cpu" else (work * slot.threads, "CPU")

    @cached_property
    def bytes_by_kind(self) -> dict[str, float]:
        """Expected bytes of the artifacts to be made, by kind of stage."""
        from xtransfer.planning.disk import artifact_bytes

        return artifact_bytes(self.missing, self.plan.stages)

    @cached_property
    def state_bytes(self) -> float:
        """Expected bytes, at most, that the trainings at work keep to resume from."""
        from xtransfer.planning.disk import state_bytes

        return state_bytes(self.missing, self.plan.stages, len(self.slots))

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


def command(
    study: StudyName,
    small: Small = False,
    settings: Settings = None,
    stages: Stages = False,
    as_json: AsJson = False,
) -> None:
    """Show what a study would run, what is cached, and the estimated time, disk and energy; run nothing.

    Works without a hub.
    """
    from xtransfer.data.revisions import PinsInReach
    from xtransfer.planning import grid

    pins = PinsInReach()
    plan = grid.plan(chosen(study, small, settings), pins)
    found = look(plan, tuple(dict.fromkeys(pins.unpinned)))
    if as_json:
        print_json(_values(found))
        return
    console = Console()
    console.print(_stages(found) if stages else _kinds(found))
    for line in _summary(found):
        console.print(line, highlight=False, soft_wrap=True)


def look(plan: Plan, unpinned: tuple[str, ...]) -> Outlook:
    """What of a plan is in the store, and what the rest takes; `unpinned`: what no mirror or hub in reach has."""
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
        plan,
        missing,
        stored,
        unpinned,
        places,
        Costs(plan.stages, _timed(places[0].device), len(places)),
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
        "device_hours": found.device_hours[0],
        "device": found.device_hours[1],
        "bytes": sum(found.bytes_by_kind.values()),
        "bytes_by_kind": found.bytes_by_kind,
        "state_bytes": found.state_bytes,
        "joules": found.cost.joules(found.missing),
        "unpinned": found.unpinned,
    }


def _stages(found: Outlook) -> Table:
    table = Table("stage", "key", "")
    for stage in found.plan.stages:
        table.add_row(stage.name, "" if found.unpinned else stage.key[:12], found.state(stage))
    return table


def _kinds(found: Outlook) -> Table:
    """One row for each kind of stage: how many there are, how many are to run, and what they take."""
    from xtransfer.base.words import amount, duration

    states = [] if found.unpinned else ["cached", "to run"]
    headings = ["stages", "", *states, *(["work", "disk"] if found.missing else [])]
    table = Table(*headings, right=headings[1:])
    to_run = Counter(one.kind for one in found.missing)
    cached = Counter(one.kind for one in found.plan.stages if one.key in found.stored)
    for kind, count in Counter(one.kind for one in found.plan.stages).items():
        numbers = [f"{count:,}", *([] if found.unpinned else [f"{cached[kind]:,}", f"{to_run[kind]:,}"])]
        work = [duration(found.by_kind[kind]), amount(found.bytes_by_kind[kind])] if to_run[kind] else []
        table.add_row(kind, *numbers, *work)
    return table


def _summary(found: Outlook) -> list[str]:
    from xtransfer.base.words import counted

    study = found.plan.study
    size = f"\n{study.name}: {counted(len(found.plan.cells), 'cell')}, {counted(len(found.plan.stages), 'stage')}"
    if found.unpinned:
        lines = [size, *_cost(found), _not_pinned(found)]
    else:
        spared = len(found.plan.stages) - len(found.stored) - len(found.missing)
        not_needed = f", {spared:,} not needed" if spared else ""  # their checkpoints were removed once scored
        lines = [f"{size}: {len(found.stored):,} cached, {len(found.missing):,} to run{not_needed}"]
        if found.missing:
            lines += _cost(found)
    return [*lines, *_ignored(found), *(_AT_MOST if study.rounds else ()), *([study.note] if study.note else [])]


def _ignored(found: Outlook) -> list[str]:
    """Lines: settings of the study that have no effect on this machine."""
    study = found.plan.study
    asked = {recipe.precision for recipe in study.recipes().values()} | {target.precision for target in study.targets}
    if not found.missing or found.slots[0].device != "cpu" or "tf32" not in asked:
        return []
    return ["precision tf32 has no effect on a CPU: matrix products are computed in fp32 here"]


def _cost(found: Outlook) -> list[str]:
    """Lines: time, disk, energy, and what they are computed from."""
    from xtransfer.base.words import amount, counted, duration

    hours, device = found.device_hours
    where = f"on {counted(len(found.slots), 'slot')}"
    lines = [
        f"time    about {duration(found.seconds)} {where}: {_two_digits(hours)} {device} hours",
        f"disk    about {amount(sum(found.bytes_by_kind.values()))} of artifacts, and up to "
        f"{amount(found.state_bytes)} while trainings run",
    ]
    if (joules := found.cost.joules(found.missing)) is not None:
        lines.append(f"energy  about {_two_digits(joules / 3.6e6)} kWh")
    if untimed := found.untimed:
        lines.append(
            f"no {' or '.join(untimed)} stage with such a model has finished here yet: time is computed from sizes and "
            "this machine's speed"
        )
    return lines


def _two_digits(value: float) -> str:
    return f"{value:.2g}" if value < 9.95 else f"{value:,.0f}"


def _not_pinned(found: Outlook) -> str:
    return (
        f"revisions are not pinned, so it is unknown what is cached: no mirror or hub in reach has "
        f"{', '.join(found.unpinned)} (xtransfer data check --study {found.plan.study.name})"
    )
