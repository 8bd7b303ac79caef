"""What the database itself refuses, whoever writes to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.exc import IntegrityError

from tests.results.numbers import Numbers, record_all
from xtransfer.base.languages import TABLE
from xtransfer.metrics.aggregate import SUITES
from xtransfer.metrics.metrics import METRICS
from xtransfer.results.database import Database, open_database
from xtransfer.results.published import FURTHER_METRICS
from xtransfer.results.reference import fill
from xtransfer.results.schema import (
    CellRow,
    EncoderRow,
    LanguageRow,
    MetricRow,
    PublishedRow,
    ScoreRow,
    StageRow,
    SuitePartRow,
    TranslationRow,
)
from xtransfer.results.upsert import table_of, upsert


@pytest.fixture
def filled(db: Database, numbers: Numbers) -> Database:
    record_all(db, numbers)
    return db


def change(db: Database, model: Any, **values: Any) -> None:
    """Sets columns of all rows of a table."""
    with db.begin() as connection:
        connection.execute(update(model).values(**values))


@pytest.mark.parametrize("name", METRICS)
def test_a_score_keeps_to_the_range_of_its_metric(filled: Database, name: str) -> None:
    metric = METRICS[name]
    for value in (metric.minimum, metric.maximum):
        change(filled, ScoreRow, metric=name, value=value, low=None, high=None)
    for value in (metric.minimum - 0.01, metric.maximum + 0.01):
        with pytest.raises(IntegrityError, match="ck_score_value"):
            change(filled, ScoreRow, metric=name, value=value, low=None, high=None)


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (ScoreRow, {"language": "klingon"}),
        (ScoreRow, {"metric": "accuracies"}),
        (ScoreRow, {"n": 0}),
        (ScoreRow, {"value": 50.0, "low": 51.0, "high": 60.0}),
        (ScoreRow, {"value": 50.0, "low": 40.0, "high": None}),
        (ScoreRow, {"chance": 101.0}),
        (ScoreRow, {"artifact": "no such stage"}),
        (StageRow, {"energy_joules": -1.0}),
        (CellRow, {"encoder": "no such encoder"}),
        (CellRow, {"status": "perfect"}),
        (EncoderRow, {"source": "heaven"}),
        (LanguageRow, {"code": ""}),
    ],
    ids=str,
)
def test_nonsense_is_refused(filled: Database, model: Any, values: Mapping[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        change(filled, model, **values)


PUBLISHED = {
    "paper": "of_this_test", "model": "XLM-R Large", "setting": "zero-shot", "benchmark": "xnli", "language": "",
    "metric": "accuracy", "value": 79.2, "n_languages": 15, "source": "Table 2", "trust": "authors' code or README",
    "note": "",
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong", [{}, {"trust": "memory"}, {"value": 790.2}, {"metric": "acc"}, {"source": ""}, {"n_languages": 0}], ids=str
)
def test_published_figures(db: Database, wrong: Mapping[str, Any]) -> None:
    with db.begin() as connection:
        if not wrong:
            upsert(connection, PublishedRow, [PUBLISHED])
            table = table_of(PublishedRow)
            query = select(table).where(table.c.paper == PUBLISHED["paper"])
            assert connection.execute(query).one()._asdict() == PUBLISHED
            return
        with pytest.raises(IntegrityError):
            upsert(connection, PublishedRow, [{**PUBLISHED, **wrong}])
        connection.rollback()


def test_a_translation_cannot_keep_more_than_it_had(filled: Database) -> None:
    with filled.begin() as connection:
        stage = connection.scalars(select(StageRow.key)).first()
    row = {"stage": stage, "benchmark": "xnli", "language": "de", "engine": "x", "engine_revision": "", "num_rows": 5,
           "kept": 6, "dropped": 0, "compared": 0, "chrf": None, "exact_match": None, "bleu": None}  # fmt: skip
    with pytest.raises(IntegrityError, match="ck_translation_counts"), filled.begin() as connection:
        upsert(connection, TranslationRow, [row])


def test_every_database_knows_languages_metrics_and_suites(db: Database) -> None:
    with db.begin() as connection:
        languages = {row.code: row for row in connection.execute(select(table_of(LanguageRow)))}
        metrics = {row.name: (row.lowest, row.highest) for row in connection.execute(select(table_of(MetricRow)))}
        parts = {
            (row.suite, row.benchmark, row.language, row.metric)
            for row in connection.execute(select(table_of(SuitePartRow)))
            if row.scored == row.benchmark
        }
    assert set(languages) == set(TABLE) and languages["sw"].family == "Atlantic-Congo"
    ours = {name: (one.minimum, one.maximum) for name, one in METRICS.items()}
    assert metrics == ours | {name: (low, high) for name, (low, high, _) in FURTHER_METRICS.items()}
    assert parts == {
        (suite.name, member.benchmark, language, metric)
        for suite in SUITES.values()
        for member in suite.members
        for language in member.languages
        for metric in member.metrics
    }


def test_what_differs_is_put_right_and_what_is_strange_stays(db: Database, url: str) -> None:
    change(db, MetricRow, definition="something")
    with db.begin() as connection:
        connection.execute(update(LanguageRow).where(LanguageRow.code == "sw").values(name="?"))
        strange = {
            "code": "tlh",
            "name": "Klingon",
            "family": "Constructed",
            "branch": "Constructed",
            "script": "Latin",
        }
        upsert(connection, LanguageRow, [strange])
        connection.execute(update(SuitePartRow).where(SuitePartRow.benchmark == "xnli").values(benchmark="enli"))
    open_database(url).close()
    with db.begin() as connection:
        assert connection.scalar(select(LanguageRow.name).where(LanguageRow.code == "sw")) == "Swahili"
        assert connection.scalar(select(LanguageRow.name).where(LanguageRow.code == "tlh")) == "Klingon"
        assert "something" not in set(connection.scalars(select(MetricRow.definition)))
        assert "enli" not in set(connection.scalars(select(SuitePartRow.benchmark)))


def test_what_is_right_is_not_written_again(db: Database) -> None:
    said: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda c, cursor, statement, *_: said.append(statement))
    with db.begin() as connection:
        fill(connection)
    assert said and not [one for one in said if not one.startswith(("SELECT", "BEGIN"))]
