"""The views say what Python says, and the same on SQLite and PostgreSQL."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import select

from tests.results.numbers import make, record_all
from tests.scoring.finished import Outcome, finish
from xtransfer.analysis.results import open_results
from xtransfer.analysis.totals import totals
from xtransfer.metrics.aggregate import SUITES, XTREME, XTREME_R, Suite
from xtransfer.results.database import open_database
from xtransfer.results.schema import Base
from xtransfer.results.upsert import table_of, upsert
from xtransfer.results.views import VIEWS

MODELS = sorted(
    (mapper.class_ for mapper in Base.registry.mappers),
    key=lambda model: Base.metadata.sorted_tables.index(table_of(model)),
)


def _outcomes(suite: Suite, draw: random.Random) -> dict[str, Outcome]:
    """Every benchmark of a suite with other points for each number; now and then one is not as it should be."""
    found = {}
    for member in suite.members:
        name = draw.choice((member.benchmark, *member.alike))
        languages = (*member.languages, *member.further)
        points = {code: {metric: draw.uniform(0, 100) for metric in member.metrics} for code in languages}
        fate = draw.random()
        if fate < 0.02:
            del points[member.languages[0]]
        elif fate < 0.04:
            del points[member.languages[1]][member.metrics[-1]]
        elif fate < 0.06:
            name += ":first500"
        elif fate < 0.08:
            name += ":dev"
        elif fate < 0.10:
            found[name] = Outcome(failed="no memory")
            continue
        elif fate < 0.12:
            found[name] = Outcome(points=points, constant=True)
            continue
        elif fate > 0.95:
            name = f"{name}<mnli"
        found[name] = Outcome(points=points)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_suites_are_as_python_computes_them(url: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XTRANSFER_DATABASE_URL", url)
    draw = random.Random(seed)
    for suite in (XTREME, XTREME_R):
        for intermediate in ("direct", "nli@en", "nli@de"):
            for training in range(3):
                outcomes = {(intermediate, training): _outcomes(suite, draw)}
                finish(outcomes, name=f"{suite.name}-{intermediate}-{training}".replace("@", "-"))
    with open_results(url) as results:
        whole = 0
        for suite in (XTREME, XTREME_R):
            view = results.xtreme() if suite is XTREME else results.xtreme_r()
            python = totals(results, suite, each_seed=True)
            assert len(view) >= 9  # a study of one suite has some benchmarks of the other
            for row in view.to_dict("records"):
                place = (python["study"] == row["study"]) & (python["seed"] == row["seed"])
                values = python[place & (python["intermediate"] == row["intermediate"])].set_index("name")["value"]
                columns = {member.benchmark: member.benchmark.replace("-", "_") for member in suite.members}
                for name, column in {**columns, "total": "total"}.items():
                    value = float("nan") if row[column] is None else row[column]
                    assert value == pytest.approx(values[name], rel=1e-12, nan_ok=True), (row["study"], name)
                assert row["num_missing"] == sum(pd.isna(row[column]) for column in columns.values())
                whole += not pd.isna(row["total"])
    assert 0 < whole < 18


def test_a_benchmark_scored_in_two_ways_has_no_score(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XTRANSFER_DATABASE_URL", url)
    xnli = next(one for one in XTREME.members if one.benchmark == "xnli")
    points = {code: {"accuracy": 50.0} for code in xnli.languages}
    finish({("direct", 0): {"xnli": Outcome(points=points), "xnli<mnli": Outcome(points=points)}})
    with open_results(url) as results:
        row = results.sql("SELECT value, num_missing, num_cells FROM suite_scores WHERE suite = 'xtreme'").iloc[0]
        assert pd.isna(row["value"]) and (row["num_missing"], row["num_cells"]) == (0, 2)
        assert results.xtreme()["num_missing"].tolist() == [9]


def test_the_columns_of_a_suites_view_are_its_benchmarks() -> None:
    for suite in SUITES.values():
        columns = list(VIEWS[suite.name.replace("-", "_")].columns)[4:-2]
        assert columns == [member.benchmark.replace("-", "_") for member in suite.members]


def test_leaderboards(url: str, tmp_path: Path) -> None:
    with open_database(url) as db:
        record_all(db, make(tmp_path, train_facts=lambda name, seed: {"degenerate": "flat"} if seed == 2 else {}))
    with open_results(url) as results:
        board = results.leaderboard("numbers").set_index("intermediate")
        # ten items a language, one more right with seed 1: 40/30/30 of `direct` become 50/40/40
        assert board.loc["direct", "mean"] == pytest.approx((100 / 3 + 130 / 3) / 2)
        assert board.loc["direct", "mean_unseen"] == pytest.approx((30 + 40) / 2)
        assert board.loc["nli@de", ["num_cells", "num_languages"]].tolist() == [2, 3]
        everything = results.leaderboard().set_index("intermediate")
        assert everything["mean"].to_dict() == board["mean"].to_dict()
        assert "study" not in everything


def test_both_databases_answer_alike(
    sqlite_url: str, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts: Any = lambda name, seed: {"degenerate": "flat"} if (name, seed) == ("nli@de", 2) else {}  # noqa: E731
    numbers = make(tmp_path / "made", encoders=("tiny@0", "tiny@1"), seeds=range(4), train_facts=facts)
    xtreme = {
        member.benchmark: Outcome(points={code: dict.fromkeys(member.metrics, 61.7) for code in member.languages})
        for member in XTREME.members
    }
    monkeypatch.setenv("XTRANSFER_DATABASE_URL", sqlite_url)
    with open_database(sqlite_url) as db, open_database(postgres_url) as other:
        record_all(db, numbers)
        finish({("direct", 0): xtreme, ("nli@en", 0): xtreme})
        with db.begin() as here, other.begin() as there:
            for model in MODELS:
                upsert(there, model, [row._asdict() for row in here.execute(select(table_of(model)))])
    answers = []
    for url in (sqlite_url, postgres_url):
        with open_results(url) as results:
            answers.append({view: _sorted(results.sql(f"SELECT * FROM {view}")) for view in VIEWS})
    for view in VIEWS:
        ours, theirs = answers[0][view], answers[1][view]
        assert len(ours) and list(ours.columns) == list(VIEWS[view].columns), view
        pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, rtol=1e-12)


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows in one order, moments and truth values in one writing."""
    for name in {"recorded_at", "started"}.intersection(frame.columns):
        frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601").astype(str)
    if "constant" in frame:
        frame["constant"] = frame["constant"].astype(bool)
    whole = frame.select_dtypes("number").columns
    frame[whole] = frame[whole].astype(float)
    columns = [name for name in frame.columns if name not in whole]
    return frame.sort_values([*columns, *whole], ignore_index=True)
