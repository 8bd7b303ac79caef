"""Cost, curves, data and translations behind a study."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import insert

from tests.results.numbers import make, record_all
from xtransfer.benchmarks import BUILT_IN
from xtransfer.report import write_report
from xtransfer.report.cost import costs
from xtransfer.report.curves import curves
from xtransfer.report.provenance import provenance
from xtransfer.results.database import open_database
from xtransfer.results.schema import BenchmarkRow, CellBenchmarkRow
from xtransfer.results.write import record_cell, record_failure, record_study

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def stage(key: str, kind: str, seconds: float, minutes: int = 1, joules: float | None = None) -> Any:
    started = NOON + timedelta(minutes=minutes)
    return SimpleNamespace(key=key, kind=kind, seconds=seconds, started=started, energy_joules=joules)


def test_stages_are_counted_once_and_sharing_is_measured() -> None:
    stages = [stage("encoder", "pretrain", 60, -5), stage("one", "train", 20), stage("two", "train", 10)]
    links = [("a", "encoder"), ("a", "one"), ("b", "encoder"), ("b", "two")]
    cost = costs(stages, links, NOON)
    assert [(one.kind, one.count, one.seconds, one.per_stage) for one in cost.kinds] == [
        ("pretrain", 1, 60, 60), ("train", 2, 30, 15)
    ]  # fmt: skip
    assert (cost.num_stages, cost.seconds, cost.alone) == (3, 90, 150)
    assert cost.saved == pytest.approx(0.4)
    assert cost.per_cell == (70, 75, 80)
    assert (cost.num_earlier, cost.seconds_earlier) == (1, 60)


def test_energy_is_told_where_every_stage_measured_it() -> None:
    measured = [stage("one", "train", 20, joules=7200.0), stage("two", "score", 10, joules=1800.0)]
    assert costs(measured, [], NOON).watt_hours == pytest.approx(2.5)
    assert costs([*measured, stage("three", "score", 10)], [], NOON).watt_hours is None


def test_nothing_ran_yet() -> None:
    cost = costs([], [], NOON)
    assert (cost.kinds, cost.seconds, cost.per_cell, cost.saved, cost.watt_hours) == ([], 0, None, 0.0, None)


def test_curves_tell_the_steps_of_training_apart(tmp_path: Path) -> None:
    numbers = make(tmp_path)
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_all(db, numbers)
        found = curves(provenance(db, "numbers"))
    # the stages of this study train once: for `direct` on the target, else on the intermediate
    assert set(found) == {"intermediate training", "target: xnli"}
    assert {name: len(runs) for name, runs in found["intermediate training"].items()} == {"nli@en": 3, "nli@de": 3}
    assert len(found["target: xnli"]["direct"]) == 3


def test_data_is_listed_by_use_with_its_digests_and_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "xnli", replace(BUILT_IN["xnli"], caveat="some rows are <read> backwards"))
    monkeypatch.setitem(BUILT_IN, "nli", replace(BUILT_IN["mnli"], name="nli", caveat="only trained on"))
    numbers = make(tmp_path)
    key = numbers.cells[0].key
    read = {"cell": key, "revision": "", "split": "train", "translation": None}
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_study(db, numbers.plan)
        with db.begin() as connection:
            known = {"kind": "pair", "metric": "accuracy", "num_languages": 2, "source": "a/b"}
            rows = [{"name": "nli", "licence": "MIT", **known}, {"name": "xnli", "licence": "", **known}]
            connection.execute(insert(BenchmarkRow), [{"revision": "", **row} for row in rows])
            connection.execute(
                insert(CellBenchmarkRow),
                [
                    {
                        **read,
                        "role": "target-score",
                        "benchmark": "xnli",
                        "languages": "en sw",
                        "data": "s",
                        "split": "test",
                    },
                    {**read, "role": "intermediate", "benchmark": "nli", "languages": "de", "data": "i-de"},
                    {**read, "role": "intermediate", "benchmark": "nli", "languages": "en", "data": "i-en"},
                ],
            )
        trained, scored = provenance(db, "numbers").data
        page = write_report(numbers.plan.study, db, numbers.store, tmp_path / "report").read_text(encoding="utf-8")
    assert (trained.caveat, scored.caveat) == ("", "some rows are <read> backwards")
    assert "<p><strong>xnli</strong>: some rows are &lt;read&gt; backwards.</p>" in page
    assert "only trained on" not in page
    assert (trained.used_for, trained.languages, trained.rows) == (
        "intermediate training",
        ("de", "en"),
        ("i-de", "i-en"),
    )
    assert (trained.source, trained.licence) == ("a/b", "MIT")
    assert (scored.benchmark, scored.split, scored.languages, scored.licence) == (
        "xnli",
        "test",
        ("en", "sw"),
        "not stated",
    )


def test_cells_without_scores_are_grouped_by_reason(tmp_path: Path) -> None:
    numbers = make(tmp_path, only=lambda name, seed: name == "direct")
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_study(db, numbers.plan)
        for cell in numbers.cells:
            if cell.intermediate.slug == "direct":
                record_cell(db, "numbers", cell, numbers.store)
            elif cell.seed:
                record_failure(db, "numbers", cell, "out of memory")
        facts = provenance(db, "numbers")
    assert {key: len(cells) for key, cells in facts.left_out_by_reason.items()} == {
        ("planned", ""): 2, ("failed", "out of memory"): 4
    }  # fmt: skip
    assert [one.used_for for one in facts.recipes] == ["intermediate training", "fine-tuning on xnli"]
