"""`xtransfer plan`: what a study would run."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.table import Table

from flows.commands.common import AsJson, Settings, Small, StudyName, chosen, print_json


def command(study: StudyName, small: Small = False, settings: Settings = None, as_json: AsJson = False) -> None:
    """Cells, stages, what is cached, estimated time; runs nothing."""
    from xtransfer import grid
    from xtransfer.schedule import estimate, needed
    from xtransfer.settings import current
    from xtransfer.stages.slots import slots
    from xtransfer.store.artifacts import ArtifactStore

    plan = grid.plan(chosen(study, small, settings))
    store = ArtifactStore(current().store)
    missing = needed(plan, lambda key: store.find(key) is not None)
    to_run = {stage.key for stage in missing}
    seconds = estimate(missing, len(slots()))
    if as_json:
        print_json(
            {
                "study": plan.study.model_dump(mode="json"),
                "cells": [{"cell": cell.slug, "key": cell.key, "score": cell.score.key} for cell in plan.cells],
                "stages": [
                    {
                        "name": one.name,
                        "kind": one.kind,
                        "key": one.key,
                        "to_run": one.key in to_run,
                        "inputs": one.inputs,
                    }
                    for one in plan.stages
                ],
                "seconds": seconds,
            }
        )
        return
    console = Console()
    table = Table(box=None, pad_edge=False)
    table.add_column("stage", overflow="fold")
    table.add_column("key")
    table.add_column("")
    stored = {stage.key for stage in plan.stages if stage.key not in to_run and store.find(stage.key)}
    for stage in plan.stages:
        note = "to run" if stage.key in to_run else "cached" if stage.key in stored else "not needed"
        table.add_row(stage.name, stage.key[:12], note)
    console.print(table)
    kinds = Counter(stage.kind for stage in missing)
    console.print(
        f"\n{plan.study.name}: {len(plan.cells)} cells, {len(plan.stages)} stages: {len(stored)} cached, "
        f"{len(missing)} to run" + (f" ({', '.join(f'{n} {kind}' for kind, n in kinds.items())})" if kinds else "")
    )
    if missing:
        console.print(f"about {_duration(seconds)} on {len(slots())} slots, at laboratory size")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
