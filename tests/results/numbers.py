"""A finished study made of given numbers: real stages, real artifacts, no training."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select

from xtransfer.base.stage import Made, Stage
from xtransfer.recipes.pretraining_recipe import PretrainingRecipe
from xtransfer.recipes.recipe import Recipe
from xtransfer.results.database import Database
from xtransfer.results.schema import CellRow
from xtransfer.results.write import record_cell, record_study
from xtransfer.store import local
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.cells import Cell, Plan
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.stage_settings import Corpus, PretrainSettings, ScoreSettings, TrainPart, TrainSettings
from xtransfer.study.study import Study

LANGUAGES = ("en", "de", "sw")
Items = Callable[[str, str, int], Mapping[str, Sequence[float]]]  # encoder, intermediate, seed → points


@dataclass
class Numbers:
    """What a test is given: the plan, and the store in which its artifacts are."""

    plan: Plan
    store: ArtifactStore

    @property
    def cells(self) -> tuple[Cell, ...]:
        return self.plan.cells

    def cell(self, intermediate: str, seed: int, encoder: str = "tiny@0") -> Cell:
        wanted = (encoder, intermediate, seed)
        return next(one for one in self.cells
                    if (one.encoder, one.intermediate.slug, one.seed) == wanted)  # fmt: skip


def right(count: int, of: int = 10) -> list[float]:
    """Points of `of` items, the first `count` of them right."""
    return [100.0] * count + [0.0] * (of - count)


def simple(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
    """Ten items: direct 40/30/30, en +20/+10/+10, de +10/+30/+20 points; one more right in odd seeds."""
    counts = {"direct": (4, 3, 3), "nli@en": (6, 4, 4), "nli@de": (5, 6, 5)}[intermediate]
    return {code: right(count + seed % 2) for code, count in zip(LANGUAGES, counts, strict=True)}


def make(
    folder: Path,
    items: Items = simple,
    *,
    encoders: Sequence[str] = ("tiny@0",),
    intermediates: Sequence[str] = ("direct", "nli@en", "nli@de"),
    seeds: Sequence[int] = (0, 1, 2),
    group_size: int = 2,
    train_facts: Callable[[str, int], dict[str, Any]] | None = None,
    first_facts: Mapping[str, Any] = MappingProxyType({}),
    chance: float | None = None,
    only: Callable[[str, int], bool] = lambda intermediate, seed: True,
    with_items: bool = True,
    steps: Callable[[str], int] | None = None,
    name: str = "numbers",
    recipe: Mapping[str, Any] | None = None,
    target: str = "xnli",
) -> Numbers:
    """A study whose cells have the given points per item. `only` says which cells were run.

    `chance` is by default 33.3, and 100 where the facts say that a training was degenerate: its scores prove nothing.

    With `steps`, intermediates have a training stage of their own, of so many optimizer steps of 16 rows.
    """
    study = Study(
        name=name,
        question="Does training on inference first help?",
        encoders=tuple(encoders),
        intermediates=tuple(intermediates),  # type: ignore[arg-type]
        targets=(target,),  # type: ignore[arg-type]
        seeds=tuple(seeds),
    )
    store = ArtifactStore(folder / "artifacts")
    cells, stages = [], {}
    for encoder in study.encoders:
        pretrained = _pretraining(encoder)
        for intermediate in study.intermediates:
            for seed in study.seeds:
                first = _first(intermediate, seed, pretrained) if steps and intermediate.parts else pretrained
                training = TrainSettings(
                    start=Made(key=first.key),
                    parts=(TrainPart(benchmark="mnli", language="en", data=intermediate.slug),),
                    recipe=Recipe.model_validate({"epochs": 3, "learning_rate": 2e-5, **(recipe or {})}),
                    seed=seed,
                )
                train = training.stage(f"train xnli after {intermediate.slug} seed {seed}")
                scoring = ScoreSettings(
                    checkpoint=Made(key=train.key), benchmark="xnli", data="pin", split="test", languages=(),
                    max_length=128,
                )  # fmt: skip
                score = scoring.stage(f"score xnli after {intermediate.slug} seed {seed}")
                stages |= {one.key: one for one in (pretrained, first, train, score)}
                cells.append(Cell(encoder, intermediate, study.targets[0], seed, score))
                if not only(intermediate.slug, seed):
                    continue
                facts = {"losses": [[step, 1 / (step + 1)] for step in range(10)], "degenerate": None}
                facts |= train_facts(intermediate.slug, seed) if train_facts else {}
                _commit(store, pretrained, {})
                if steps and intermediate.parts:
                    _commit(store, first, {"steps": steps(intermediate.slug), **first_facts})
                _commit(store, train, facts)
                points = items(encoder, intermediate.slug, seed)
                known = chance or (100.0 if facts["degenerate"] else 33.3)
                _commit(store, score, {"languages": len(points)}, points, group_size, with_items, known)
    return Numbers(Plan(study, tuple(cells), tuple(stages.values())), store)


def record_all(db: Database, numbers: Numbers) -> None:
    """Writes the study and all its cells to a database."""
    record_study(db, numbers.plan)
    for cell in numbers.cells:
        record_cell(db, numbers.plan.study.name, cell, numbers.store)


def _first(intermediate: Intermediate, seed: int, start: Stage) -> Stage:
    parts = [
        TrainPart(benchmark=part.benchmark, language=part.language, data=part.engine) for part in intermediate.parts
    ]
    settings = TrainSettings(
        start=Made(key=start.key), parts=tuple(parts), recipe=Recipe(epochs=3, batch_size=16), seed=seed
    )
    return settings.stage(f"train {intermediate.slug} seed {seed}")


def _pretraining(encoder: str) -> Stage:
    corpus = Corpus(name="lab", pin=encoder)
    settings = PretrainSettings(corpus=corpus, num_texts=100, recipe=PretrainingRecipe(), seed=0)
    return settings.stage(f"pretrain {encoder}")


def _commit(
    store: ArtifactStore,
    stage: Stage,
    facts: dict[str, Any],
    points: Mapping[str, Sequence[float]] | None = None,
    group_size: int = 1,
    with_items: bool = True,
    chance: float = 33.3,
) -> None:
    if store.find(stage.key):
        return
    out = store.empty_out(stage.key)
    if points is not None:
        _write_scores(out, points, group_size, with_items, chance)
    with mock.patch.object(local, "sync"):  # nothing here is about power cuts, and disks are slow
        store.commit(stage, out, facts, "cpu", datetime.now(UTC))


def _write_scores(
    out: Path, points: Mapping[str, Sequence[float]], group_size: int, with_items: bool, chance: float
) -> None:
    rows = [
        {"language": code, "id": f"{number}", "group": f"block-{number // group_size}", "gold": "1",
         "prediction": "1" if value else "0", "item": value if with_items else None, "scores": [0.0, 1.0]}
        for code, values in points.items() for number, value in enumerate(values)
    ]  # fmt: skip
    schema = pa.schema(
        [(name, pa.string()) for name in ("language", "id", "group", "gold", "prediction")]
        + [("item", pa.float64()), ("scores", pa.list_(pa.float64()))]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema), out / "predictions.parquet")
    lines = [
        {"language": code, "split": "test", "metric": "accuracy", "value": float(np.mean(values)),
         "n": len(values),  "chance": chance, "constant": len(set(values)) == 1}
        for code, values in points.items()
    ]  # fmt: skip
    (out / "scores.json").write_text(json.dumps(lines), encoding="utf-8")


def status(db: Database, key: str) -> tuple[str, str]:
    """Status and reason of a cell."""
    with db.begin() as connection:
        return tuple(connection.execute(select(CellRow.status, CellRow.reason).where(CellRow.key == key)).one())
