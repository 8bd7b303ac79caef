"""Every column is described, and the queries of the docs run on both kinds of database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect

from tests.results.numbers import make, record_all
from tests.results.test_schema import PUBLISHED
from tests.scoring.finished import Outcome, finish
from xtransfer.analysis.results import Results, open_results
from xtransfer.metrics.aggregate import XTREME
from xtransfer.results.database import Database, open_database
from xtransfer.results.schema import Base, PublishedRow
from xtransfer.results.upsert import upsert
from xtransfer.results.views import VIEWS

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "query-the-database.md"
QUERIES = re.findall(r"^```sql\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_every_column_of_tables_and_views_is_described(db: Database) -> None:
    inspector = inspect(db.engine)
    for table in Base.metadata.sorted_tables:
        assert all(column.doc for column in table.columns), table.name
    for name, view in VIEWS.items():
        assert [column["name"] for column in inspector.get_columns(name)] == list(view.columns), name
        assert all(view.columns.values())


@pytest.fixture
def results(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Results]:
    """A study named `example`, with a benchmark of XTREME that lacks a language, and a published figure."""
    monkeypatch.setenv("XTRANSFER_DATABASE_URL", url)
    xnli = next(one for one in XTREME.members if one.benchmark == "xnli")
    points = {code: {"accuracy": 50.0} for code in xnli.languages[1:]}
    finish({("direct", 0): {"xnli": Outcome(points=points)}}, name="example-xtreme")
    with open_database(url) as db:
        record_all(db, make(tmp_path / "made", lambda *_: ITEMS, name="example"))
        with db.begin() as connection:
            upsert(connection, PublishedRow, [PUBLISHED])
    with open_results(url) as opened:
        yield opened


ITEMS = {code: [100.0] * 90 + [0.0] * 10 for code in ("en", "de", "sw")}


@pytest.mark.parametrize("query", QUERIES)
def test_every_question_has_an_answer(results: Results, query: str) -> None:
    if "cell_benchmark" in query:  # the made-up study reads no benchmark
        query = query.replace("'example'", "'example-xtreme'")
    frame = results.sql(query)
    assert len(frame) and list(frame.columns)


def test_there_are_ten() -> None:
    assert len(QUERIES) == 10
