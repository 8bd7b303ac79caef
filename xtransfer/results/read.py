"""Reads the rows of views as data frames."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
from sqlalchemy import ColumnClause, column, select, table

from xtransfer.base.declared import JsonObject
from xtransfer.base.errors import unknown
from xtransfer.results.database import Database
from xtransfer.results.faults import explained
from xtransfer.results.schema import StudyRow
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


def definition_of(db: Database, study: str) -> JsonObject | None:
    """Returns the recorded definition of a study; None if it is not recorded."""
    with explained(db.name), db.engine.connect() as connection:
        return connection.scalar(select(StudyRow.definition).where(StudyRow.name == study))


def _range_of(view: str) -> list[ColumnClause[str]]:
    """Returns the columns that rows of a view are sorted by: study, if it has one, then its filters."""
    study = ["study"] if "study" in VIEWS[view].columns else []
    return [column(name) for name in (*study, *_CHOSEN_BY[view])]
