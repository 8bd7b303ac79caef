"""What scoring recorded of embedding spaces beside its scores: eigen-similarity, per cell and language.

The numbers are facts of score stages, so that results of earlier versions have them too. They are no points: the lower
the more alike, without an upper bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import select

from xtransfer.results.database import Database
from xtransfer.results.schema import CellRow, StageRow, StudyCellRow
from xtransfer.study.stage_facts import ScoreFacts

UNIT = "eigen_similarity_of_unit"  # of vectors of length 1: comparable between encoders
_PLACE = ("encoder", "intermediate", "target", "seed", "status")
COLUMNS = ("study", *_PLACE, "language", "measure", "value", "cell", "artifact")


def measures(db: Database, study: str | None = None) -> pd.DataFrame:
    """One row per cell, language and measure (`COLUMNS`) of a study, or of all."""
    cell, stage, link = CellRow.__table__.c, StageRow.__table__.c, StudyCellRow.__table__.c
    query = (
        select(link.study, *(cell[name] for name in _PLACE), cell.key, stage.key.label("artifact"), stage.facts)
        .join(CellRow, cell.key == link.cell)
        .join(StageRow, stage.key == cell.score_stage)
        .order_by(link.study, *(cell[name] for name in _PLACE))
    )
    with db.begin() as connection:
        rows = connection.execute(query if study is None else query.where(link.study == study)).all()
    return pd.DataFrame([line for row in rows for line in _lines(row)], columns=[*COLUMNS])


def table(frame: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds for vectors of length 1: a row per target, encoder and intermediate, a column per language.
    Degenerate cells are left out."""
    shown = frame[(frame["measure"] == UNIT) & (frame["status"] == "done")]
    order = {name: list(dict.fromkeys(shown[name])) for name in ("target", "encoder", "intermediate", "language")}
    means = shown.pivot_table(
        values="value", index=["target", "encoder", "intermediate"], columns="language", sort=False
    )
    return means.reindex(columns=order["language"]).reset_index()


def _lines(row: Any) -> Iterator[Sequence[Any]]:
    for language, found in ScoreFacts.of(row.facts).measures.items():
        for name, value in found.items():
            place = [getattr(row, one) for one in _PLACE]
            yield [row.study, *place, language, name, value, row.key, row.artifact]
