"""Measures of embedding spaces that scoring recorded besides scores: eigen-similarity, per cell and language.

They are facts of score stages, so results of earlier versions have them too. They are not points: lower means more
alike, and there is no upper bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from xtransfer.results.database import Database
from xtransfer.results.schema import CellRow, StageRow, StudyCellRow
from xtransfer.study.stage_facts import ScoreFacts

UNIT = "eigen_similarity_of_unit"  # of vectors of length 1: comparable between encoders
_PLACE = ("encoder", "intermediate", "target", "seed", "status")
COLUMNS = ("study", *_PLACE, "language", "measure", "value", "cell", "artifact")


def measures(db: Database, study: str | None = None) -> pd.DataFrame:
    """Returns one row per cell, language and measure (`COLUMNS`) of a study, or of all studies."""
    query = (
        select(StudyCellRow.study, CellRow, StageRow.facts)
        .join(CellRow, CellRow.key == StudyCellRow.cell)
        .join(StageRow, StageRow.key == CellRow.score_stage)
        .order_by(StudyCellRow.study, *(getattr(CellRow, name) for name in _PLACE))
    )
    with db.begin() as connection, Session(connection) as session:
        rows = session.execute(query if study is None else query.where(StudyCellRow.study == study)).tuples().all()
    return pd.DataFrame([line for row in rows for line in _lines(*row)], columns=[*COLUMNS])


def table(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns means over seeds for vectors of length 1: a row per target, encoder and intermediate, a column per
    language. Degenerate cells are left out."""
    shown = frame[(frame["measure"] == UNIT) & (frame["status"] == "done")]
    order = {name: list(dict.fromkeys(shown[name])) for name in ("target", "encoder", "intermediate", "language")}
    means = shown.pivot_table(
        values="value", index=["target", "encoder", "intermediate"], columns="language", sort=False
    )
    return means.reindex(columns=order["language"]).reset_index()


def _lines(study: str, cell: CellRow, facts: Mapping[str, object]) -> Iterator[Sequence[object]]:
    place = [getattr(cell, one) for one in _PLACE]
    for language, found in ScoreFacts.of(facts).measures.items():
        for name, value in found.items():
            yield [study, *place, language, name, value, cell.key, cell.score_stage]
