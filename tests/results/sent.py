"""Databases of two teams: filled, written to files, read from them, and looked at whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import func, inspect, select, table, text

from tests.results.numbers import Numbers
from xtransfer.results.database import open_database
from xtransfer.results.moving import Imported, bring_in, export
from xtransfer.results.schema import Base
from xtransfer.results.write import record_cell, record_study


def recorded(url: str, numbers: Numbers, only: Callable[[Any], bool] = lambda cell: True) -> None:
    with open_database(url) as db:
        record_study(db, numbers.plan)
        for cell in filter(only, numbers.cells):
            record_cell(db, numbers.plan.study.name, cell, numbers.store)


def send(url: str, file: Path, **options: Any) -> Path:
    with open_database(url, read_only=True) as db:
        return export(db, file, **options).file


def receive(url: str, file: Path, prefer: Any = None) -> Imported:
    with open_database(url) as db:
        return bring_in(db, file, prefer)


def content(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables and views, sorted, but for which database it is."""
    with open_database(url, read_only=True) as db, db.engine.connect() as connection:
        views = inspect(connection).get_view_names()
        queries = {one.name: select(one) for one in Base.metadata.sorted_tables if one.name != "identity"}
        queries |= {name: select(text("*")).select_from(table(name)) for name in views}
        assert "gains" in views and "cell_scores" in views
        return {name: sorted(map(tuple, connection.execute(query)), key=repr) for name, query in queries.items()}


def count(url: str, name: str) -> int:
    with open_database(url, read_only=True) as db, db.engine.connect() as connection:
        return int(connection.scalar(select(func.count()).select_from(table(name))) or 0)
