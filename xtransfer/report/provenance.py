"""What a report says about how the numbers were made: cells, recipes, cost, versions, training curves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from xtransfer.errors import unknown
from xtransfer.results.database import Database
from xtransfer.results.schema import CellRow, CellStageRow, StageRow, StudyCellRow, StudyRow

if TYPE_CHECKING:
    from xtransfer.store.artifacts import ArtifactStore

Curve = Sequence[tuple[float, float]]  # step, loss


@dataclass(frozen=True)
class Cost:
    """What the stages of one kind took."""

    kind: str
    count: int
    seconds: float

    @property
    def per_stage(self) -> float:
        return self.seconds / self.count


@dataclass(frozen=True)
class Provenance:
    """Everything beside the scores that the page shows of a study."""

    name: str
    question: str
    digest: str
    updated: str
    definition: Mapping[str, Any]
    cells: list[Any]  # rows: encoder, encoder_revision, intermediate, target, seed, status, reason, score_stage
    costs: list[Cost]
    recipes: list[tuple[str, Mapping[str, Any], int]]  # name of one stage that used it, recipe, number of stages
    packages: list[str]
    machines: list[str]

    @property
    def left_out(self) -> list[Any]:
        return [cell for cell in self.cells if cell.status != "done"]

    @property
    def encoders(self) -> list[tuple[str, str]]:
        return sorted({(cell.encoder, cell.encoder_revision) for cell in self.cells})


def provenance(db: Database, study: str) -> Provenance:
    """Reads a study's rows; raises RequestError for a study that the database does not have."""
    columns = (CellRow.encoder, CellRow.encoder_revision, CellRow.intermediate, CellRow.target, CellRow.seed)
    with db.begin() as connection:
        row = connection.execute(select(StudyRow.__table__).where(StudyRow.name == study)).one_or_none()
        if row is None:
            raise unknown("study", study, connection.scalars(select(StudyRow.name)))
        here = select(StudyCellRow.cell).where(StudyCellRow.study == study)
        cells = connection.execute(
            select(*columns, CellRow.status, CellRow.reason, CellRow.score_stage)
            .where(CellRow.key.in_(here))
            .order_by(*columns)
        ).all()
        used = StageRow.key.in_(select(CellStageRow.stage).where(CellStageRow.cell.in_(here)))
        costs = connection.execute(
            select(StageRow.kind, func.count(), func.sum(StageRow.seconds))
            .where(used)
            .group_by(StageRow.kind)
            .order_by(func.sum(StageRow.seconds).desc())
        ).all()
        stages = connection.execute(
            select(StageRow.name, StageRow.settings, StageRow.packages, StageRow.host, StageRow.device)
            .where(used)
            .order_by(StageRow.started, StageRow.name)
        ).all()
    return Provenance(
        row.name,
        row.question,
        row.digest,
        f"{row.updated_at:%Y-%m-%d %H:%M} UTC",
        row.definition,
        list(cells),
        [Cost(*cost) for cost in costs],
        _recipes(stages),
        sorted({f"{name} {version}" for stage in stages for name, version in stage.packages.items()}),
        sorted({f"{stage.host} ({stage.device})" for stage in stages}),
    )


def _recipes(stages: Sequence[Any]) -> list[tuple[str, Mapping[str, Any], int]]:
    """Each distinct recipe once: with the first stage that used it and how many did."""
    users: dict[str, list[str]] = {}
    for stage in stages:
        if isinstance(recipe := stage.settings.get("recipe"), dict):
            users.setdefault(json.dumps(recipe, sort_keys=True), []).append(stage.name)
    return [(names[0], json.loads(recipe), len(names)) for recipe, names in users.items()]


def curves(cells: Sequence[Any], store: ArtifactStore) -> dict[str, dict[str, list[Curve]]]:
    """Training losses: kind of training → intermediate → one curve for each run."""
    found: dict[str, dict[str, list[Curve]]] = {"intermediate training": {}, "target training": {}}
    seen: set[str] = set()
    for cell in cells:
        score = store.find(cell.score_stage)
        key = score.manifest.inputs.get("checkpoint") if score else None
        panel = "target training"
        while key and key not in seen and (stage := store.find(key)) and stage.manifest.kind == "train":
            seen.add(key)
            losses = [(float(step), float(loss)) for step, loss in stage.manifest.facts.get("losses", [])]
            if losses:
                found[panel].setdefault(cell.intermediate, []).append(losses)
            key, panel = stage.manifest.inputs.get("start"), "intermediate training"
    return {panel: runs for panel, runs in found.items() if runs}
