"""A finished study with given predictions and scores for several targets: real artifacts, no training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq

from xtransfer.base.settings import current
from xtransfer.base.stage import HubModel, Made, Stage
from xtransfer.planning.target_phases import trained_on
from xtransfer.recipes.recipe import Recipe
from xtransfer.results.database import open_database
from xtransfer.results.write import record_cell, record_failure, record_study
from xtransfer.store import local
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.cells import Cell, Plan
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.stage_settings import ScoreSettings, TrainPart, TrainSettings
from xtransfer.study.study import Study, Target

Predictions = Mapping[str, Sequence[tuple[str, Any]]]  # language → id and prediction, in the order of the rows
Points = Mapping[str, Mapping[str, float]]  # language → metric → points

RECIPE = {"epochs": 3, "learning_rate": 2e-5}


@dataclass(frozen=True)
class Outcome:
    """What one target gave."""

    predictions: Predictions = field(default_factory=dict)
    points: Points = field(default_factory=dict)
    failed: str = ""
    constant: bool = False  # all predictions are equal
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the score stage, beside benchmark and languages


def finish(
    outcomes: Mapping[tuple[str, int], Mapping[str, Outcome]], name: str = "mine", encoder: str = "tiny@0"
) -> ArtifactStore:
    """Records a study in the home of the test: (intermediate, seed) → target slug → outcome."""
    settings = current().prepare()
    store = ArtifactStore(settings.store)
    study = Study(
        name=name,
        encoders=(encoder,),
        intermediates=tuple(dict.fromkeys(Intermediate.parse(slug) for slug, _ in outcomes)),
        targets=tuple(dict.fromkeys(Target.parse(slug) for held in outcomes.values() for slug in held)),
        seeds=tuple(dict.fromkeys(seed for _, seed in outcomes)),
    )
    made = [
        (*_cell(encoder, intermediate, slug, seed, outcome), outcome)
        for (intermediate, seed), held in outcomes.items()
        for slug, outcome in held.items()
    ]
    stages = {stage.key: stage for cell, trained, _ in made for stage in (*trained, cell.score)}
    with open_database(settings.database_url) as db:
        record_study(db, Plan(study, tuple(cell for cell, _, _ in made), tuple(stages.values())))
        for cell, trained, outcome in made:
            if outcome.failed:
                record_failure(db, name, cell, outcome.failed)
            elif outcome.predictions or outcome.points:
                for training in trained:
                    _keep(store, training)
                _commit(store, cell.score, outcome, cell.target.split)
                record_cell(db, name, cell, store)
    return store


def _cell(encoder: str, intermediate: str, slug: str, seed: int, outcome: Outcome) -> tuple[Cell, list[Stage]]:
    """The cell, and the trainings behind its score, in order."""
    target, first = Target.parse(slug), Intermediate.parse(intermediate)
    phases = [[(part.benchmark, part.language) for part in phase.parts] for phase in first.phases]
    trained: list[Stage] = []
    for number, parts in enumerate([*phases, *([(name, "en")] for name in trained_on(target))]):
        settings = TrainSettings(
            start=Made(key=trained[-1].key) if trained else HubModel(id=encoder, revision=""),
            parts=tuple(TrainPart(benchmark=name, language=language, data="pin") for name, language in parts),
            recipe=Recipe.model_validate(RECIPE),
            seed=seed,
        )
        trained.append(settings.stage(f"training {number} of {slug}"))
    scoring = {
        "checkpoint": Made(key=trained[-1].key) if trained else HubModel(id=encoder, revision=str(seed)),
        "benchmark": target.benchmark,
        "data": "pin",
        "languages": list(outcome.predictions or outcome.points),
        "split": target.split,
        "max_length": 128,
        "pooling": target.pooling,
        **outcome.settings,
    }
    score = ScoreSettings.model_validate(scoring).stage(f"score {slug} after {intermediate} seed {seed}")
    return Cell(encoder, first, target, seed, score), trained


def _keep(store: ArtifactStore, training: Stage) -> None:
    if store.find(training.key) is None:
        with mock.patch.object(local, "sync"):
            store.commit(training, store.empty_out(training.key), {}, "cpu", datetime.now(UTC))


def _commit(store: ArtifactStore, stage: Stage, outcome: Outcome, split: str) -> None:
    points = outcome.points or {code: {"accuracy": 50.0} for code in outcome.predictions}
    scores = [
        {"language": code, "split": split, "metric": metric, "value": value, "n": 10, "chance": None,
         "constant": outcome.constant}
        for code, values in points.items()
        for metric, value in values.items()
    ]  # fmt: skip
    rows = {
        "language": [code for code, several in outcome.predictions.items() for _ in several],
        "id": [name for several in outcome.predictions.values() for name, _ in several],
        "prediction": [
            json.dumps(value, ensure_ascii=False) for several in outcome.predictions.values() for _, value in several
        ],
    }
    nothing = pa.nulls(len(rows["id"]))
    rows |= {"group": nothing.cast(pa.string()), "item": nothing.cast(pa.float64())}
    out = store.empty_out(stage.key)
    if outcome.predictions:
        pq.write_table(pa.table(rows), out / "predictions.parquet")
    (out / "scores.json").write_text(json.dumps(scores), encoding="utf-8")
    with mock.patch.object(local, "sync"):  # nothing here is about power cuts, and disks are slow
        store.commit(stage, out, {}, "cpu", datetime.now(UTC))


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
