"""What a report says about how the numbers were made: cells, stages, recipes, data, versions, machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, select

from xtransfer.base.errors import unknown
from xtransfer.recipes.recipe import Recipe
from xtransfer.report.cost import Costs, costs
from xtransfer.report.data_used import DataUsed, data_used, translations
from xtransfer.report.sizes import Size, sizes
from xtransfer.results.database import Database
from xtransfer.results.roles import INTERMEDIATE, TARGET
from xtransfer.results.schema import CellRow, CellStageRow, EncoderRow, StageRow, StudyCellRow, StudyRow
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.stage_facts import Facts
from xtransfer.study.study import Target

_CELL = (CellRow.encoder, CellRow.encoder_revision, CellRow.intermediate, CellRow.target, CellRow.seed)


@dataclass(frozen=True)
class UsedRecipe:
    """A recipe of the study, and what it was used for."""

    used_for: str
    recipe: Recipe


@dataclass(frozen=True)
class Provenance:
    """Everything beside the scores that the page shows of a study."""

    name: str
    question: str
    digest: str
    updated: str
    definition: Mapping[str, Any]
    cells: list[Any]  # rows: encoder, encoder_revision, intermediate, target, seed, status, reason, score_stage
    stages: list[Any]  # rows of `stage`, each once, the first to start first
    links: list[Any]  # rows of `cell_stage`: which stage is what in which cell
    cost: Costs
    encoders: list[Any]  # rows: name, source, id, revision, and the key of the stage that pretrained it
    data: list[DataUsed]
    translations: list[Any]  # rows of `translation`, with the `settings` of the stage

    @property
    def left_out(self) -> list[Any]:
        return [cell for cell in self.cells if cell.status != "done"]

    @property
    def left_out_by_reason(self) -> dict[tuple[str, str], list[Any]]:
        """Cells without usable scores, by status and reason."""
        found: dict[tuple[str, str], list[Any]] = {}
        for cell in self.left_out:
            found.setdefault((cell.status, cell.reason), []).append(cell)
        return found

    @property
    def intermediates(self) -> list[Intermediate]:
        return [Intermediate.model_validate(one) for one in self.definition["intermediates"]]

    @property
    def targets(self) -> list[Target]:
        return [Target.model_validate(one) for one in self.definition["targets"]]

    @property
    def recipes(self) -> list[UsedRecipe]:
        """The recipe of the intermediates where there are any, then one for each way a target is trained."""
        found = []
        if any(one.parts for one in self.intermediates):
            recipe = Recipe.model_validate(self.definition["intermediate_recipe"])
            found.append(UsedRecipe("intermediate training", recipe))
        users: dict[str, list[str]] = {}
        for target in self.targets:
            recipe = target.recipe or Recipe.model_validate(self.definition["target_recipe"])
            if target.slug in self.trained_targets:
                users.setdefault(recipe.model_dump_json(), []).append(target.slug)
        return found + [
            UsedRecipe(f"fine-tuning on {', '.join(names)}", Recipe.model_validate_json(text))
            for text, names in users.items()
        ]

    @cached_property
    def trained(self) -> dict[tuple[str, int], Any]:
        """Slug of an intermediate and phase → the first stage that trained it."""
        cells = {cell.key: cell for cell in self.cells}
        slugs: dict[str, dict[tuple[str, int], None]] = {}
        for link in self.links:
            if link.role == INTERMEDIATE:
                slugs.setdefault(link.stage, {})[cells[link.cell].intermediate, link.phase] = None
        return {place: stage for stage in reversed(self.stages) for place in slugs.get(stage.key, ())}

    @cached_property
    def sizes(self) -> list[Size]:
        """The rows of each part of an intermediate."""
        return sizes(self.intermediates, self.trained)

    @cached_property
    def trained_targets(self) -> set[str]:
        """Targets that something is fine-tuned on; others are scored with the encoder as it is."""
        cells = {link.cell for link in self.links if link.role == TARGET}
        return {cell.target for cell in self.cells if cell.key in cells}

    @property
    def packages(self) -> list[str]:
        return sorted({f"{name} {version}" for stage in self.stages for name, version in stage.packages.items()})

    @property
    def machines(self) -> list[str]:
        """Host, device and, of stages since that is recorded, what the device is."""
        named = ((stage, Facts.of(stage.facts).processor) for stage in self.stages)
        return sorted({f"{one.host} ({one.device}{f', {name}' if name else ''})" for one, name in named})


def provenance(db: Database, study: str) -> Provenance:
    """Reads a study's rows; raises RequestError for a study that the database does not have."""
    with db.begin() as connection:
        row = connection.execute(select(StudyRow.__table__).where(StudyRow.name == study)).one_or_none()
        if row is None:
            raise unknown("study", study, connection.scalars(select(StudyRow.name)))
        here = select(StudyCellRow.cell).where(StudyCellRow.study == study)
        cells = connection.execute(
            select(CellRow.key, *_CELL, CellRow.status, CellRow.reason, CellRow.score_stage)
            .where(CellRow.key.in_(here))
            .order_by(*_CELL)
        ).all()
        links = connection.execute(select(CellStageRow.__table__).where(CellStageRow.cell.in_(here))).all()
        stages = _stages(connection, here)
        encoders = _encoders(connection, here)
        data, translated = data_used(connection, here), list(translations(connection, here))
    return Provenance(
        row.name,
        row.question,
        row.digest,
        f"{row.updated_at:%Y-%m-%d %H:%M} UTC",
        row.definition,
        list(cells),
        stages,
        list(links),
        costs(stages, [(link.cell, link.stage) for link in links], row.updated_at),
        encoders,
        data,
        translated,
    )


def _stages(connection: Connection, cells: Any) -> list[Any]:
    used = StageRow.key.in_(select(CellStageRow.stage).where(CellStageRow.cell.in_(cells)))
    return list(connection.execute(select(StageRow.__table__).where(used).order_by(StageRow.started, StageRow.name)))


def _encoders(connection: Connection, cells: Any) -> list[Any]:
    query = (
        select(EncoderRow.__table__, CellRow.encoder_revision.label("stage"))
        .join(CellRow, CellRow.encoder == EncoderRow.name)
        .where(CellRow.key.in_(cells))
        .distinct()
        .order_by(EncoderRow.name)
    )
    return list(connection.execute(query))
