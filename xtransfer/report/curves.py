"""Training curves of a study, by what was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from xtransfer.report.plot_curves import Curve
from xtransfer.study.intermediate import Intermediate

if TYPE_CHECKING:
    from xtransfer.store.artifacts import Artifact, ArtifactStore

FIRST = "intermediate training"


def curves(cells: Sequence[Any], store: ArtifactStore) -> dict[str, dict[str, list[Curve]]]:
    """Training losses: intermediate training, then each target → intermediate → one curve for each run."""
    found: dict[str, dict[str, list[Curve]]] = {FIRST: {}}
    seen: set[str] = set()
    for cell, trained in [(one, stages) for one in cells for stages in _trainings(one.score_stage, store)]:
        num_of_target = len(trained) - len(Intermediate.parse(cell.intermediate).phases)
        for number, stage in enumerate(trained):
            panel = FIRST if number >= num_of_target else f"target: {_target(cell.target, stage)}"
            losses = [(float(step), float(loss)) for step, loss in stage.manifest.facts.get("losses", [])]
            if losses and stage.key not in seen:
                found.setdefault(panel, {}).setdefault(cell.intermediate, []).append(losses)
            seen.add(stage.key)
    return {panel: runs for panel, runs in found.items() if runs}


def _trainings(score_stage: str, store: ArtifactStore) -> list[list[Artifact]]:
    """The training stages behind each checkpoint that a score read, the last first."""
    score = store.find(score_stage)
    inputs = score.manifest.inputs if score else {}
    return [list(_behind(key, store)) for name, key in inputs.items() if name.startswith("checkpoint")]


def _behind(key: str | None, store: ArtifactStore) -> Iterator[Artifact]:
    while key and (stage := store.find(key)) and stage.manifest.kind == "train":
        yield stage
        key = stage.manifest.inputs.get("start")


def _target(slug: str, stage: Artifact) -> str:
    """The target, and where it is trained in several steps, on which benchmark."""
    name, _, trained_on = slug.partition("<")
    if "," not in trained_on:
        return slug
    return f"{name}, on {stage.manifest.settings['parts'][0]['benchmark']}"
