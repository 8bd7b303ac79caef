"""Reading: the views hold what a hand computes, and SQL cannot write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.results.numbers import Numbers, record_all
from xtransfer.analysis.results import Results, open_results
from xtransfer.base.errors import RequestError
from xtransfer.results.database import Database


@pytest.fixture
def results(db: Database, url: str, numbers: Numbers) -> Iterator[Results]:
    record_all(db, numbers)
    with open_results(url) as opened:
        yield opened


def test_scores(results: Results) -> None:
    frame = results.scores("numbers", intermediate="nli@de", language=["de", "sw"], seed=1)
    assert list(zip(frame["language"], frame["value"], frame["n"], strict=True)) == [
        ("de", 70, 10),
        ("sw", 60, 10),
    ]


def test_gains_are_paired(results: Results) -> None:
    frame = results.view("gains", "numbers", intermediate="nli@de")
    assert len(frame) == 9
    assert frame.groupby("language")["gain"].unique().map(list).to_dict() == {
        "en": [10],
        "de": [30],
        "sw": [20],
    }


def test_contrasts_have_each_pair_once(results: Results) -> None:
    frame = results.view("contrasts", "numbers", language="de", seed=0)
    assert list(zip(frame["first"], frame["second"], frame["difference"], strict=True)) == [
        ("direct", "nli@de", -30),
        ("direct", "nli@en", -10),
        ("nli@de", "nli@en", 20),
    ]


def test_transfer_gap(results: Results) -> None:
    frame = results.transfer_gap("numbers", intermediate="nli@en", seed=0)
    assert frame[["english", "others", "gap", "num_languages"]].to_numpy().tolist() == [[60, 40, 20, 2]]


def test_runs(results: Results) -> None:
    frame = results.runs("numbers")
    assert len(frame) == 9
    assert set(frame["status"]) == {"done"}
    assert set(frame["num_stages"]) == {3}


def test_unknown_names_are_refused(results: Results) -> None:
    with pytest.raises(RequestError, match="no study 'nubers'; did you mean 'numbers'"):
        results.scores("nubers")
    with pytest.raises(RequestError, match="no filter 'lang'; did you mean 'language'"):
        results.scores("numbers", lang="de")
    with pytest.raises(RequestError, match="no study"):
        results.scores("x'; DROP TABLE score; --")


def test_sql(results: Results) -> None:
    frame = results.sql(
        "SELECT language, AVG(gain) AS gain FROM gains WHERE intermediate = 'nli@en' GROUP BY 1 ORDER BY 1"
    )
    assert frame.to_dict("list") == {"language": ["de", "en", "sw"], "gain": [10, 20, 10]}


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM score",
        "DROP TABLE score",
        "CREATE TABLE x (y)",
        "CREATE TEMP TABLE x (y)",
        "INSERT INTO study VALUES ('x', '', '{}', '', '2020-01-01')",
        "WITH x AS (SELECT 1) UPDATE score SET value = 0",
        "ATTACH DATABASE '{folder}/stolen.db' AS stolen",
        "VACUUM INTO '{folder}/stolen.db'",
        "PRAGMA writable_schema = ON",
        "SELECT load_extension('x')",
        "BEGIN IMMEDIATE",
        "SELECT 1; DELETE FROM score",
        "WITH x AS (DELETE FROM score RETURNING cell) SELECT * FROM x",
        "COPY (SELECT 1) TO '{folder}/stolen.db'",
        "SET statement_timeout = 0",
        "DO $$ BEGIN DELETE FROM score; END $$",
        "SELECT set_config('transaction_read_only', 'off', false); DELETE FROM score",
        "EXPLAIN ANALYZE DELETE FROM score",
        "",
    ],
)
def test_sql_that_does_not_only_read_is_refused(results: Results, tmp_path: Path, query: str) -> None:
    with pytest.raises(RequestError, match="sql: "):
        results.sql(query.replace("{folder}", str(tmp_path)))
    assert not (tmp_path / "stolen.db").exists()
    assert len(results.scores()) == 27


@pytest.mark.parametrize(
    "endless",
    [
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT COUNT(*) FROM n",
        f"SELECT COUNT(*) FROM {', '.join(f'language AS l{number}' for number in range(8))}",
    ],
    ids=["recursion", "cross join"],
)
def test_sql_without_end_is_stopped(results: Results, endless: str) -> None:
    with pytest.raises(RequestError, match=r"stopped after 0.2 s"):
        results.sql(endless, seconds=0.2)
    assert len(results.sql("SELECT * FROM score")) == 27


def test_rows_without_end_are_cut_off(results: Results) -> None:
    frame = results.sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n", max_rows=3)
    assert frame["i"].tolist() == [1, 2, 3] and frame.attrs["truncated"]


def test_sql_has_a_row_limit(results: Results) -> None:
    frame = results.sql("SELECT * FROM score", max_rows=5)
    assert len(frame) == 5
    assert frame.attrs["truncated"]
    assert not results.sql("SELECT * FROM score", max_rows=27).attrs["truncated"]


def test_faulty_sql_says_what_is_wrong(results: Results) -> None:
    with pytest.raises(RequestError, match=r"^sql: (no such table: scoers|relation \"scoers\" does not exist)$"):
        results.sql("SELECT * FROM scoers")


def test_nothing_to_read_yet(home: Path) -> None:
    with pytest.raises(RequestError, match="no results here yet"):
        open_results()
