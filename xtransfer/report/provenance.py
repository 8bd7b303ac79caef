"""How the numbers of a study were made: cells, stages, recipes, data, versions, machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from xtransfer.base.errors import unknown
from xtransfer.recipes.recipe import Recipe
from xtransfer.report.cost import Costs, costs
from xtransfer.report.data_used import DataUsed, data_used, translations
from xtransfer.report.sizes import Size, sizes
from xtransfer.results.database import Database
from xtransfer.results.roles import INTERMEDIATE, TARGET
from xtransfer.results.schema import (
    CellRow,
    CellStageRow,
    EncoderRow,
    StageRow,
    StudyCellRow,
    StudyRow,
    TranslationRow,
)
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.stage_facts import Facts
from xtransfer.study.study import Target

_CELL = (CellRow.encoder, CellRow.encoder_revision, CellRow.intermediate, CellRow.target, CellRow.seed)


@dataclass(frozen=True)
class UsedRecipe:
    """A recipe of the study and what it was used for."""

    used_for: str
    recipe: Recipe


@dataclass(frozen=True)
class Provenance:
    """Everything that the page shows of a study besides its scores."""

    name: str
    question: str
    digest: str
    updated: str
    definition: Mapping[str, Any]  # Any: JSON values
    cells: list[CellRow]
    stages: list[StageRow]  # each once, ordered by start
    links: list[CellStageRow]  # the role of each stage in each cell
    cost: Costs
    encoders: list[tuple[EncoderRow, str]]  # with the hub commit, or the key of the stage that pretrained it
    data: list[DataUsed]
    translations: list[tuple[TranslationRow, str]]  # with the direction: `de`, or `en from de`

    @property
    def left_out(self) -> list[CellRow]:
        """The cells without usable scores."""
        return [cell for cell in self.cells if cell.status != "done"]

    @property
    def left_out_by_reason(self) -> dict[tuple[str, str], list[CellRow]]:
        """The cells without usable scores, by status and reason."""
        found: dict[tuple[str, str], list[CellRow]] = {}
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
        """The recipe of the intermediates if there are any, then the distinct recipes of the targets."""
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
    def trained(self) -> dict[tuple[str, int], StageRow]:
        """(slug of an intermediate, phase) → the first stage that trained it."""
        cells = {cell.key: cell for cell in self.cells}
        slugs: dict[str, dict[tuple[str, int], None]] = {}
        for link in self.links:
            if link.role == INTERMEDIATE and link.phase is not None:
                slugs.setdefault(link.stage, {})[cells[link.cell].intermediate, link.phase] = None
        return {place: stage for stage in reversed(self.stages) for place in slugs.get(stage.key, ())}

    @cached_property
    def sizes(self) -> list[Size]:
        """The number of rows of each part of each intermediate."""
        return sizes(self.intermediates, self.trained)

    @cached_property
    def trained_targets(self) -> set[str]:
        """The targets that a cell was fine-tuned on; others are scored without fine-tuning."""
        cells = {link.cell for link in self.links if link.role == TARGET}
        return {cell.target for cell in self.cells if cell.key in cells}

    @property
    def packages(self) -> list[str]:
        return sorted({f"{name} {version}" for stage in self.stages for name, version in stage.packages.items()})

    @property
    def machines(self) -> list[str]:
        """The distinct machines: host, device and, where recorded, the processor."""
        named = ((stage, Facts.of(stage.facts).processor) for stage in self.stages)
        return sorted({f"{one.host} ({one.device}{f', {name}' if name else ''})" for one, name in named})


def provenance(db: Database, study: str) -> Provenance:
    """Returns the provenance of a study. Raises RequestError if the database has no such study."""
    with db.begin() as connection, Session(connection) as session:
        row = session.get(StudyRow, study)
        if row is None:
            raise unknown("study", study, session.scalars(select(StudyRow.name)))
        here = select(StudyCellRow.cell).where(StudyCellRow.study == study)
        cells = session.scalars(select(CellRow).where(CellRow.key.in_(here)).order_by(*_CELL)).all()
        links = session.scalars(select(CellStageRow).where(CellStageRow.cell.in_(here))).all()
        stages = _stages(session, here)
        encoders = _encoders(session, here)
        data, translated = data_used(session, here), translations(session, here)
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


def _stages(session: Session, cells: Select[tuple[str]]) -> list[StageRow]:
    used = StageRow.key.in_(select(CellStageRow.stage).where(CellStageRow.cell.in_(cells)))
    return list(session.scalars(select(StageRow).where(used).order_by(StageRow.started, StageRow.name)))


def _encoders(session: Session, cells: Select[tuple[str]]) -> list[tuple[EncoderRow, str]]:
    query = (
        select(EncoderRow, CellRow.encoder_revision)
        .join(CellRow, CellRow.encoder == EncoderRow.name)
        .where(CellRow.key.in_(cells))
        .distinct()
        .order_by(EncoderRow.name)
    )
    return list(session.execute(query).tuples())
