"""Removing a study's rows. Artifacts stay in the store: `store gc` lists those that nothing needs any more."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, exists, func, select

from xtransfer.base.errors import unknown
from xtransfer.results.database import Database
from xtransfer.results.links import UNUSED
from xtransfer.results.schema import CellRow, CellStageRow, ScoreRow, StageRow, StudyCellRow, StudyRow
from xtransfer.results.upsert import chunks


@dataclass(frozen=True)
class Forgotten:
    """What forgetting a study removes."""

    study: str
    cells: int  # that no other study has
    shared: int  # cells that stay, for other studies have them
    scores: int


def forget(db: Database, study: str, *, dry_run: bool = False) -> Forgotten:
    """Removes a study, the cells that no other study has, and their scores, in one transaction.

    With `dry_run` only counts. Raises RequestError for an unknown study.
    """
    with db.begin() as connection:
        names = connection.scalars(select(StudyRow.name)).all()
        if study not in names:
            raise unknown("study", study, names)
        cells = set(connection.scalars(select(StudyCellRow.cell).where(StudyCellRow.study == study)))
        elsewhere = select(StudyCellRow.cell).where(StudyCellRow.study != study)
        own = cells.difference(connection.scalars(elsewhere))
        num_scores = select(func.count()).select_from(ScoreRow)
        scores = sum(connection.scalar(num_scores.where(ScoreRow.cell.in_(some))) or 0 for some in chunks(sorted(own)))
        if not dry_run:
            connection.execute(delete(StudyRow).where(StudyRow.name == study))  # its links and needs go with it
            for some in chunks(sorted(own)):
                connection.execute(delete(CellRow).where(CellRow.key.in_(some), UNUSED))
            connection.execute(delete(StageRow).where(~exists().where(CellStageRow.stage == StageRow.key)))
    return Forgotten(study, len(own), len(cells - own), scores)
