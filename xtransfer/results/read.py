"""Reads the rows of views as data frames."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
from sqlalchemy import ColumnClause, case, column, distinct, func, select, table

from xtransfer.base.declared import JsonObject
from xtransfer.base.errors import unknown
from xtransfer.results.database import Database
from xtransfer.results.faults import explained
from xtransfer.results.schema import CellRow, ScoreRow, StudyCellRow, StudyRow
from xtransfer.results.views import VIEWS

_CHOSEN_BY = {
    "cell_scores": ("encoder", "intermediate", "target", "seed", "language", "split", "metric", "status"),
    "gains": ("encoder", "intermediate", "target", "seed", "language", "split", "metric"),
    "contrasts": ("encoder", "first", "second", "target", "seed", "language", "split", "metric"),
    "transfer_gap": ("encoder", "intermediate", "target", "seed", "split", "metric"),
    "runs": ("encoder", "intermediate", "target", "seed", "status", "host", "device"),
    "leaderboard": ("target", "split", "metric", "encoder", "intermediate"),
    "leaderboard_all": ("target", "split", "metric", "encoder", "intermediate"),
    "xtreme": ("encoder", "intermediate", "seed"),
    "xtreme_r": ("encoder", "intermediate", "seed"),
}  # view → columns to filter by, besides study


def view_rows(
    db: Database, view: str, study: str | None = None, **filters: str | int | Collection[str | int] | None
) -> pd.DataFrame:
    """Returns rows of a view, sorted by the columns that they can be filtered by.

    A filter is a value, several, or None for all. Gains and contrasts have one row per seed and no interval. Raises
    RequestError for an unknown study or filter.
    """
    if study is not None and study not in (known := study_names(db)):
        raise unknown("study", study, known)
    query = select("*").select_from(table(view)).order_by(*_range_of(view))
    for name, value in (({"study": study} if study else {}) | filters).items():
        if name not in (known := [one.name for one in _range_of(view)]):
            raise unknown("filter", name, known)
        if value is not None:
            query = query.where(column(name).in_([value] if isinstance(value, str | int) else list(value)))
    with explained(db.name), db.engine.connect() as connection:
        return pd.read_sql_query(query, connection)


def study_names(db: Database) -> list[str]:
    """Returns the names of the recorded studies, sorted."""
    with explained(db.name), db.engine.connect() as connection:
        return list(connection.scalars(select(StudyRow.name).order_by(StudyRow.name)))


def study_counts(db: Database) -> pd.DataFrame:
    """Returns one row per recorded study: study, cells, done (cells with usable scores) and scores."""
    query = (
        select(
            StudyRow.name.label("study"),
            func.count(distinct(StudyCellRow.cell)).label("cells"),
            func.count(distinct(case((CellRow.status == "done", CellRow.key)))).label("done"),
            func.count(ScoreRow.cell).label("scores"),
        )
        .outerjoin(StudyCellRow, StudyCellRow.study == StudyRow.name)
        .outerjoin(CellRow, CellRow.key == StudyCellRow.cell)
        .outerjoin(ScoreRow, ScoreRow.cell == CellRow.key)
        .group_by(StudyRow.name)
        .order_by(StudyRow.name)
    )
    with explained(db.name), db.engine.connect() as connection:
        return pd.read_sql_query(query, connection)


def definition_of(db: Database, study: str) -> JsonObject | None:
    """Returns the recorded definition of a study; None if it is not recorded."""
    with explained(db.name), db.engine.connect() as connection:
        return connection.scalar(select(StudyRow.definition).where(StudyRow.name == study))


def _range_of(view: str) -> list[ColumnClause[str]]:
    """Returns the columns that rows of a view are sorted by: study, if it has one, then its filters."""
    study = ["study"] if "study" in VIEWS[view].columns else []
    return [column(name) for name in (*study, *_CHOSEN_BY[view])]
