"""SQL of a user: it only reads, whatever is tried, and its time, memory and rows have limits."""

from __future__ import annotations

import resource
from pathlib import Path

import psycopg
import pytest

from xtransfer.analysis.results import Results
from xtransfer.base.errors import RequestError


def test_sql(results: Results) -> None:
    frame = results.sql(
        "SELECT language, AVG(gain) AS gain FROM gains WHERE intermediate = 'nli@en' GROUP BY 1 ORDER BY 1"
    )
    assert frame.to_dict("list") == {"language": ["de", "en", "sw"], "gain": [10, 20, 10]}


def test_numbers_come_as_the_database_has_them(results: Results) -> None:
    """Whole numbers stay whole beside a missing value, and two columns of one name stay two."""
    frame = results.sql(
        "SELECT 9007199254740993 AS n, 1 AS a, 2 AS a, 3 AS a_2 UNION ALL SELECT NULL, 4, 5, 6 ORDER BY 2"
    )
    assert frame.to_dict("split")["data"] == [[9007199254740993, 1, 2, 3], [None, 4, 5, 6]]
    assert list(frame.columns) == ["n", "a", "a_3", "a_2"]
    (total,) = results.sql("SELECT SUM(n) AS n FROM score")["n"]
    assert str(total) == "270"


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


@pytest.mark.parametrize(
    "large",
    {
        "sqlite": ["SELECT randomblob(60000000), randomblob(60000000) FROM score",
                   "SELECT hex(zeroblob(40000000)) FROM score",
                   "WITH RECURSIVE n(b) AS (SELECT randomblob(9000000) UNION ALL SELECT randomblob(9000000) FROM n) "
                   "SELECT COUNT(*) FROM (SELECT b FROM n ORDER BY b)"],
        "postgresql": ["SELECT repeat('x', 1000000000)", "SELECT repeat('x', 9000000) FROM score"],
    }.items(),
    ids=["sqlite", "postgresql"],
)  # fmt: skip
def test_sql_has_a_limit_of_memory(results: Results, url: str, large: tuple[str, list[str]]) -> None:
    if not url.startswith(large[0]):
        pytest.skip(f"functions of {large[0]}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for query in large[1]:
        with pytest.raises(RequestError, match="more than 1 GiB of memory or gives more than 64 MiB; narrow it"):
            results.sql(query, seconds=300)  # a busy machine makes a string of 1 GB in more than the 30 s of a user
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB


def test_a_function_of_sqlite_cannot_outlast_the_time(results: Results, url: str) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("SQLite's functions cannot be interrupted from inside")
    with pytest.raises(RequestError, match=r"stopped after 0.5 s"):
        results.sql("SELECT instr(zeroblob(60000000) || x'01', zeroblob(30000000) || x'02')", seconds=0.5)


@pytest.mark.parametrize(
    "call",
    [
        "pg_terminate_backend(0)",
        "pg_advisory_lock(1)",
        "pg_notify('x', 'y')",
        "lo_from_bytea(0, 'x')",
        "pg_read_file('/etc/passwd')",
        "pg_reload_conf()",
        "pg_sleep(0)",
        "set_config('role', 'none', false)",
        "query_to_xml('SELECT pg_notify(''x'', ''y'')', true, true, '')",
        "sneaky()",
    ],
)
@pytest.mark.parametrize(
    "query", ["SELECT {}", "SELECT 1 AS a FROM score WHERE {} IS NULL", "SELECT 1 WHERE EXISTS (SELECT {})"]
)
def test_a_function_of_postgresql_that_may_have_an_effect_is_refused(
    results: Results, url: str, call: str, query: str
) -> None:
    if not url.startswith("postgresql"):
        pytest.skip("functions of PostgreSQL")
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE OR REPLACE FUNCTION sneaky() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'")
    name = call.partition("(")[0]
    with pytest.raises(RequestError, match=f"the function {name} may have an effect outside the query"):
        results.sql(query.format(call))


def test_a_superuser_gives_up_its_rights_for_a_query(results: Results, url: str) -> None:
    if not url.startswith("postgresql"):
        pytest.skip("roles of PostgreSQL")
    asked = results.sql(
        "SELECT current_user AS name, current_setting('transaction_read_only') AS read, random() < 2 AS ok"
    )
    assert asked.to_dict("records") == [{"name": "pg_read_all_data", "read": "on", "ok": True}]


def test_two_columns_of_one_name_and_bytes_can_be_shown(results: Results, url: str) -> None:
    some = "x'00ff'" if url.startswith("sqlite") else "decode('00ff', 'hex')"
    frame = results.sql(f"SELECT 1 AS a, 2 AS a, {some} AS b")
    assert frame.to_dict("records") == [{"a": 1, "a_2": 2, "b": "0x00ff"}]
    frame.to_json(orient="records")


def test_rows_without_end_are_cut_off(results: Results) -> None:
    frame = results.sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n", max_rows=3)
    assert frame["i"].tolist() == [1, 2, 3] and frame.attrs["truncated"]


def test_sql_has_a_row_limit(results: Results) -> None:
    frame = results.sql("SELECT * FROM score", max_rows=5)
    assert len(frame) == 5
    assert frame.attrs["truncated"]
    assert not results.sql("SELECT * FROM score", max_rows=27).attrs["truncated"]


def test_faulty_sql_says_what_is_wrong(results: Results) -> None:
    with pytest.raises(
        RequestError,
        match=r"^sql: (no such table: scoers|relation \"scoers\" does not exist); did you mean 'score'\? \(tables",
    ):
        results.sql("SELECT * FROM scoers")
    with pytest.raises(RequestError, match=r"lang(\" does not exist|); did you mean 'language'\? \(score has cell,"):
        results.sql("SELECT lang FROM score")
