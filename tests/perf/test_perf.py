from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from perf.measure import Measure, machine, paired

ROOT = Path(__file__).parents[2]


def test_encode_measures_both_ways_and_writes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)
    file = tmp_path / "measures.json"
    command = [sys.executable, "-m", "perf.encode", "--quick", "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    measures = json.loads(file.read_text())["measures"]
    assert [one["name"] for one in measures] == ["first time", "from the cache"]
    assert all(set(one) == {"name", "ours", "other", "ratio", "goal", "holds"} for one in measures)
    assert all(one["ours"] > 0 and one["other"] > 0 and one["goal"] is one["holds"] is None for one in measures)
    assert "from the cache" in done.stdout
    assert machine().partition(",")[0][:20] in done.stdout


def test_a_goal_is_judged_by_the_median_and_the_ratio_by_pairs() -> None:
    measure = Measure("x", [1.0, 2.0, 9.0], [4.0, 4.0, 9.0], under=3.0)
    record = {"name": "x", "ours": 2.0, "other": 4.0, "ratio": 2.0, "goal": "under 3 s", "holds": True}
    assert measure.record() == record
    assert Measure("x", [3.0], [4.0], under=3.0).holds is False


def test_ways_take_turns() -> None:
    order: list[str] = []

    def way(name: str) -> Callable[[], float]:
        return lambda: order.append(name) or float(len(order))

    found = paired({"a": (way("a1"), way("a2")), "b": (way("b1"), way("b2"))}, pairs=2)
    assert order == ["a1", "a2", "b1", "b2", "a2", "a1", "b2", "b1"]
    assert found["a"] == ([1.0, 6.0], [2.0, 5.0])


def test_retrieval_measures_both_ways(tmp_path: Path) -> None:
    file = tmp_path / "measures.json"
    command = [sys.executable, "-m", "perf.retrieval", "--quick", "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(file.read_text())["measures"]
    assert one["name"] == "36 languages" and one["ours"] >= 0 and one["goal"] is None


def test_results_measures_every_database_and_question(tmp_path: Path) -> None:
    file = tmp_path / "measures.json"
    command = [sys.executable, "-m", "perf.results", "--quick", "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    measures = {one["name"]: one for one in json.loads(file.read_text())["measures"]}
    asked = ("insert a million scores", "leaderboard of a study", "leaderboard of all", "gains of a study")
    kinds = ["SQLite"] if "PostgreSQL is not measured" in done.stdout else ["SQLite", "PostgreSQL"]
    assert list(measures) == [f"{kind}: {name}" for kind in kinds for name in asked]
    assert all(one["ours"] > 0 and one["other"] > 0 and one["goal"] is None for one in measures.values())
