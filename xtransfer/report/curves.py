"""The training curves of a study."""

from __future__ import annotations

from collections.abc import Iterator

from xtransfer.report.plot_curves import Curve
from xtransfer.report.provenance import Provenance
from xtransfer.results.roles import INTERMEDIATE, TARGET
from xtransfer.results.schema import CellRow, CellStageRow, StageRow
from xtransfer.study.stage_facts import TrainFacts
from xtransfer.study.stage_settings import TrainSettings
from xtransfer.study.study import Target

FIRST = "intermediate training"


def curves(facts: Provenance) -> dict[str, dict[str, list[Curve]]]:
    """Returns the training losses: panel (intermediate training, then each target) → intermediate → curve per run."""
    found: dict[str, dict[str, list[Curve]]] = {FIRST: {}}
    seen: set[tuple[str, str]] = set()
    for cell, link, stage in _trainings(facts):
        panel = FIRST if link.role == INTERMEDIATE else f"target: {_target(cell.target, stage)}"
        losses = [*TrainFacts.of(stage.facts).losses]
        if losses and (panel, stage.key) not in seen:
            found.setdefault(panel, {}).setdefault(cell.intermediate, []).append(losses)
        seen.add((panel, stage.key))
    return {panel: runs for panel, runs in found.items() if runs}


def _trainings(facts: Provenance) -> Iterator[tuple[CellRow, CellStageRow, StageRow]]:
    """Yields each training of each cell, ordered by cell, role and phase."""
    stages = {stage.key: stage for stage in facts.stages}
    cells = {cell.key: (place, cell) for place, cell in enumerate(facts.cells)}
    links = [link for link in facts.links if link.role in (INTERMEDIATE, TARGET)]
    for link in sorted(links, key=lambda one: (cells[one.cell][0], one.role, one.phase, one.language)):
        yield cells[link.cell][1], link, stages[link.stage]


def _target(slug: str, stage: StageRow) -> str:
    """Returns the target, with the benchmark of the stage if the target trains on several in turn."""
    target = Target.parse(slug)
    if len(target.train_on) < 2:
        return slug
    training = TrainSettings.of(stage)
    return f"{slug}, on {'+'.join(part.benchmark for part in training.parts)}" if training is not None else slug
