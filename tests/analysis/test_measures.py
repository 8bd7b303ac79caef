"""Eigen-similarity on its way from a score stage to a command, SQL and the report."""

from __future__ import annotations

import json
from pathlib import Path
from unittest import mock

import pytest
from typer.testing import CliRunner

from flows import cli
from tests.report.read import read
from tests.results.numbers import make, record_all
from xtransfer.analysis.measures import UNIT, table
from xtransfer.analysis.results import open_results
from xtransfer.base.errors import RequestError
from xtransfer.base.settings import current
from xtransfer.report import write_report
from xtransfer.results.database import open_database
from xtransfer.store.artifacts import ArtifactStore

SIMILARITY = {"direct": 9.0, "nli@en": 4.0, "nli@de": 1.0}
SQL = next(
    block.partition("```")[0]
    for block in (Path(__file__).parents[2] / "docs" / "explanation" / "dual-encoders.md")
    .read_text(encoding="utf-8")
    .split("```sql")[1:]
)


@pytest.fixture
def recorded(home: Path) -> ArtifactStore:
    """A study whose score stages measured German; each seed adds one."""
    true_commit = ArtifactStore.commit

    def commit(self, stage, out, facts, *more):  # type: ignore[no-untyped-def]
        if stage.kind == "score":
            after, _, seed = stage.name.partition(" after ")[2].partition(" seed ")
            value = SIMILARITY[after] + int(seed.split()[0])
            facts = {**facts, "measures": {"de": {UNIT: value, "eigen_similarity": 100 * value}}}
        return true_commit(self, stage, out, facts, *more)

    with mock.patch.object(ArtifactStore, "commit", commit):
        made = make(home)
    with open_database(current().database_url) as db:
        record_all(db, made)
    return made.store


def test_rows_and_filters(recorded: ArtifactStore) -> None:
    with open_results() as results:
        frame = results.measures("numbers", intermediate="nli@de")
        assert set(frame["measure"]) == {UNIT, "eigen_similarity"} and set(frame["seed"]) == {0, 1, 2}
        assert frame[frame["measure"] == UNIT].sort_values("seed")["value"].tolist() == [1.0, 2.0, 3.0]
        shown = table(results.measures("numbers"))
        assert dict(zip(shown["intermediate"], shown["de"], strict=True)) == {
            "direct": 10.0, "nli@en": 5.0, "nli@de": 2.0
        }  # fmt: skip
        with pytest.raises(RequestError, match=r"no measure of language 'sw' .known: de"):
            results.measures("numbers", language="sw")
        with pytest.raises(RequestError, match="no study 'number'"):
            results.measures("number")


def test_the_command_and_the_documented_query(recorded: ArtifactStore) -> None:
    done = CliRunner().invoke(cli.app, ["results", "measures", "--study", "numbers", "--format", "json"])
    rows = json.loads(done.stdout)
    assert len(rows) == 3 * 3 * 2
    with open_results() as results:
        found = results.sql(SQL)
    assert sorted(found["eigen_similarity"]) == sorted(row["value"] for row in rows if row["measure"] == UNIT)


def test_the_report_has_a_table_where_a_study_has_measures(recorded: ArtifactStore, tmp_path: Path) -> None:
    with open_database(current().database_url) as db:
        page = read(write_report("numbers", db, recorded, tmp_path / "out"))
    assert 'id="spaces"' in page and "<td>10.000</td>" in page and (tmp_path / "out" / "measures.csv").exists()
