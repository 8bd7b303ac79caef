"""Reading results: the rows of the views as data frames."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import ColumnClause, Select, column, select, table

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
}  # view → columns that rows can be chosen by, beside study where it has one


def view_rows(db: Database, view: str, study: str | None = None, **filters: Any) -> pd.DataFrame:
    """Rows of a view, sorted by what they can be chosen by; the views of gains and contrasts have a row per seed
    and no interval. Raises RequestError for an unknown study or filter."""
    if study is not None and study not in (known := study_names(db)):
        raise unknown("study", study, known)
    query: Select[Any] = select("*").select_from(table(view)).order_by(*_range_of(view))
    for name, value in (({"study": study} if study else {}) | filters).items():
        if name not in (known := [one.name for one in _range_of(view)]):
            raise unknown("filter", name, known)
        query = query.where(column(name).in_([value] if isinstance(value, str | int) else list(value)))
    with explained(db.name), db.engine.connect() as connection:
        return pd.read_sql_query(query, connection)


def study_names(db: Database) -> list[str]:
    """The recorded studies by name."""
    with explained(db.name), db.engine.connect() as connection:
        return list(connection.scalars(select(StudyRow.name).order_by(StudyRow.name)))


def definition_of(db: Database, study: str) -> dict[str, Any] | None:
    """The recorded definition of a study (Any: JSON), or None."""
    with explained(db.name), db.engine.connect() as connection:
        return connection.scalar(select(StudyRow.definition).where(StudyRow.name == study))


def _range_of(view: str) -> list[ColumnClause[Any]]:
    """The columns that rows of a view are sorted by: study, where it has one, then its filters."""
    study = ["study"] if "study" in VIEWS[view].columns else []
    return [column(name) for name in (*study, *_CHOSEN_BY[view])]
