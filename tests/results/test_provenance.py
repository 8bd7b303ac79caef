"""What is written of encoders, checkpoints, benchmarks and translations: of a real plan, with made-up results."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from tests.results.plans import TRANSLATED, finish_plan
from tests.results.test_write import contents
from xtransfer.base.stage import FolderModel, HubModel, Made, ModelSource, Stage
from xtransfer.planning import grid
from xtransfer.recipes.recipe import Recipe
from xtransfer.results.database import Database
from xtransfer.results.provenance import benchmark_row, encoder_row, translation_rows
from xtransfer.results.schema import (
    Base,
    BenchmarkRow,
    CellBenchmarkRow,
    CellStageRow,
    CheckpointRow,
    EncoderRow,
    StageRow,
    TranslationRow,
)
from xtransfer.results.upsert import table_of
from xtransfer.results.write import record_cell, record_failure, record_study
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.cells import Plan
from xtransfer.study.stage_settings import ConvertSettings, TrainPart, TrainSettings, TranslateSettings
from xtransfer.study.study import Study

SHORT = {"epochs": 1, "max_length": 64}


@pytest.fixture
def plan() -> Plan:
    return grid.plan(
        Study.model_validate(
            {
                "name": "lab",
                "encoders": ["lab-mini@0"],
                "intermediates": ["direct", "lab-nli@en+lab-nli@de", "lab-nli@tr~lab-marian"],
                "targets": ["lab-inference"],
                "seeds": [3],
                "target_recipe": SHORT,
                "intermediate_recipe": SHORT,
            }
        )
    )


@pytest.fixture
def recorded(db: Database, plan: Plan, tmp_path: Path) -> Database:
    store = ArtifactStore(tmp_path / "artifacts")
    finish_plan(plan, store, {"translate": TRANSLATED, "score": {"energy_joules": 12.5}})
    record_study(db, plan)
    for cell in plan.cells:
        record_cell(db, "lab", cell, store)
    return db


def rows(db: Database, model: type[Base]) -> list[dict[str, Any]]:
    with db.begin() as connection:
        return [row._asdict() for row in connection.execute(select(table_of(model)))]


def stage(plan: Plan, name: str) -> Stage:
    return next(one for one in plan.stages if one.name == name)


def test_checkpoints_and_their_parents(recorded: Database, plan: Plan) -> None:
    pretrained = next(one.key for one in plan.stages if one.kind == "pretrain")
    found = {row["stage"]: row for row in rows(recorded, CheckpointRow)}
    assert len(found) == 1 + 2 + 3
    assert found[pretrained]["trained_on"] == "lab"
    mixture = stage(plan, "train lab-nli@en,de seed 3").key
    assert found[mixture] == {
        "stage": mixture, "encoder": "lab-mini@0", "trained_on": "lab-nli@en,de",
        "seed": 3, "steps": 7, "parent": pretrained,
    }  # fmt: skip
    last = found[stage(plan, "train lab-inference after lab-nli@en,de seed 3").key]
    assert (last["trained_on"], last["parent"]) == ("lab-inference@en", mixture)
    assert found[stage(plan, "train lab-inference after direct seed 3").key]["parent"] == pretrained


def test_a_translation_with_its_quality(recorded: Database, plan: Plan) -> None:
    made = stage(plan, "translate lab-nli to tr by lab-marian")
    assert rows(recorded, TranslationRow) == [
        {"stage": made.key, "benchmark": "lab-nli", "language": "tr", "engine": "lab-marian",
         "engine_revision": stage(plan, "train translator lab-marian").key,
         "num_rows": 480, "kept": 478, "dropped": 2, "compared": 900,
         "chrf": 61.5, "exact_match": 12.5, "bleu": None}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("engine", "is_converted", "revision"),
    [
        (HubModel(id="org/engine", revision="f" * 40), True, "f" * 40),
        (FolderModel(digest="d" * 64), False, "d" * 64),
        (FolderModel(digest="d" * 64), True, "d" * 64),
    ],
)
def test_an_engine_of_a_hub_or_a_mirror_has_its_revision(
    plan: Plan, engine: ModelSource, is_converted: bool, revision: str
) -> None:
    conversion = ConvertSettings(engine=engine, number_format="int8", library_version="4").stage("convert")
    translation = TranslateSettings(
        benchmark="lab-nli", data="pin", split="train", language="tr",
        engine=Made(key=conversion.key) if is_converted else engine,
    ).stage("translate")  # fmt: skip
    made = SimpleNamespace(kind="translate", key="t", settings=translation.settings, facts=TRANSLATED)
    cell = plan.cells[0]
    (row,) = translation_rows(cell, [conversion, made, cell.score])  # type: ignore[list-item]
    assert row["engine_revision"] == revision


def test_which_cell_read_which_rows(recorded: Database, plan: Plan) -> None:
    by_cell: dict[str, set[tuple[Any, ...]]] = {}
    for row in rows(recorded, CellBenchmarkRow):
        assert row["data"] and row["revision"] == ""
        said = (row["role"], row["benchmark"], row["languages"], row["split"], row["translation"])
        by_cell.setdefault(row["cell"], set()).add(said)
    direct, mixture, translated = (by_cell[cell.key] for cell in plan.cells)
    languages = " ".join(plan.cells[0].score.settings["languages"])
    target = {("target-train", "lab-inference", "en", "train", None),
              ("target-score", "lab-inference", languages, "test", None)}  # fmt: skip
    assert direct == target
    assert mixture - target == {("intermediate", "lab-nli", code, "train", None) for code in ("en", "de")}
    made = stage(plan, "translate lab-nli to tr by lab-marian")
    assert translated - target == {("intermediate", "lab-nli", "tr", "train", made.key)}
    of_translated = [row for row in rows(recorded, CellBenchmarkRow) if row["translation"]]
    assert of_translated[0]["data"] == made.settings["data"]


def test_benchmarks_encoders_and_energy(recorded: Database) -> None:
    assert {row["name"]: row["kind"] for row in rows(recorded, BenchmarkRow)} == {
        "lab-nli": "pair", "lab-inference": "pair",
    }  # fmt: skip
    (encoder,) = rows(recorded, EncoderRow)
    assert encoder == {"name": "lab-mini@0", "source": "trained-here", "id": "lab-mini", "revision": "0"}
    energy = {row["kind"]: row["energy_joules"] for row in rows(recorded, StageRow)}
    assert energy["score"] == 12.5 and energy["train"] is None


def test_planned_cells_have_their_encoder_and_a_failure_keeps_it(db: Database, plan: Plan) -> None:
    record_study(db, plan)
    before = rows(db, EncoderRow)
    assert before == [{"name": "lab-mini@0", "source": "trained-here", "id": "lab-mini", "revision": "0"}]
    record_failure(db, "lab", plan.cells[0], "no memory")
    assert rows(db, EncoderRow) == before
    assert not contents(db)["checkpoint"]


def test_encoders_by_what_their_stages_are_given() -> None:
    def reading(encoder: ModelSource) -> Stage:
        parts = (TrainPart(benchmark="lab-nli", language="en", data="pin"),)
        return TrainSettings(start=encoder, parts=parts, recipe=Recipe(steps=1), seed=0).stage("train")

    hub, folder = reading(HubModel(id="org/name", revision="f" * 40)), reading(FolderModel(digest="d" * 64))
    assert encoder_row("org/name@ffffffffffff", [hub])["revision"] == "f" * 40
    assert encoder_row("mine@dddddddddddd", [folder]) == {
        "name": "mine@dddddddddddd", "source": "folder", "id": "mine", "revision": "d" * 64,
    }  # fmt: skip
    assert encoder_row("mine", [])["source"] == "unknown"


def test_a_benchmark_names_the_revisions_of_all_its_sources() -> None:
    row = benchmark_row("xnli")
    assert (row["kind"], row["metric"], row["num_languages"], row["licence"]) == (
        "pair",
        "accuracy",
        15,
        "CC BY-NC 4.0",
    )
    assert len(row["revision"].split("+")) == 2 and "facebook/xnli" in row["source"].split("+")
    assert benchmark_row("one of nobody's")["kind"] == ""


def test_what_translate_train_and_translate_test_read(db: Database, tmp_path: Path) -> None:
    targets = ["lab-inference:translate-train~lab-marian", "lab-inference:translate-test~parallel"]
    plan = grid.plan(
        Study.model_validate(
            {"name": "ways", "encoders": ["lab-mini@0"], "intermediates": ["lab-nli@de~parallel"], "targets": targets,
             "target_recipe": SHORT, "intermediate_recipe": SHORT,
             "languages": ["en", "de", "tr"], "seeds": [3]}
        )
    )  # fmt: skip
    store = ArtifactStore(tmp_path / "artifacts")
    finish_plan(plan, store, {"translate": TRANSLATED})
    record_study(db, plan)
    for cell in plan.cells:
        record_cell(db, "ways", cell, store)
    made = {row["stage"]: row for row in rows(db, TranslationRow)}
    read = {
        (plan.cells[0].key == row["cell"], row["role"], row["languages"]): row["translation"]
        for row in rows(db, CellBenchmarkRow)
    }
    train, test = ({place[1:]: key for place, key in read.items() if place[0] is first} for first in (True, False))
    assert train["target-score", "en de tr"] is None and train["target-train", "en"] is None
    for code in ("de", "tr"):
        trained, scored = made[train["target-train", code]], made[test["target-score", code]]
        assert (trained["engine"], trained["language"]) == ("lab-marian", code)
        assert (scored["engine"], scored["language"]) == ("parallel", "en")
    assert made[train["intermediate", "de"]]["engine"] == "parallel"
    assert test["target-score", "en"] is None and ("target-train", "de") not in test
    targets = {row["stage"] for row in rows(db, CellStageRow) if row["role"] == "target"}
    trained_on = [row["trained_on"] for row in rows(db, CheckpointRow) if row["stage"] in targets]
    marian = "~lab-marian"
    assert sorted(trained_on) == ["lab-inference@de" + marian, "lab-inference@en", "lab-inference@tr" + marian]
