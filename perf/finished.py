"""A finished study of any size without training: an artifact for each stage of its plan, with random scores."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xtransfer import benchmarks
from xtransfer.base.stage import Stage
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.cells import Plan
from xtransfer.study.stage_settings import ScoreSettings

_ITEMS = 20  # in each language


def finish(plan: Plan, store: ArtifactStore) -> None:
    """Write tiny artifacts of all stages of a plan to a store; targets are scored by accuracy."""
    draw = np.random.default_rng(0)
    for stage in plan.stages:
        out = store.empty_out(stage.key)
        if stage.kind == "score":
            draw_scores(out, stage, _ITEMS, draw)
        else:
            (out / "model.txt").write_text(stage.name, encoding="utf-8")
        facts = {"rows": 10, "kept": 10} if stage.kind == "translate" else {}
        store.commit(stage, out, facts, "cpu", datetime.now(UTC))


def draw_scores(out: Path, stage: Stage, items: int, draw: np.random.Generator) -> None:
    """Write the output of a stage `score`: answers to `items` items per language, about 70% right, and their mean."""
    settings = ScoreSettings.model_validate(stage.settings)
    languages, benchmark = settings.languages, benchmarks.get(settings.benchmark)
    right = draw.random((len(languages), items)) < draw.normal(0.7, 0.02, (len(languages), 1))
    rows: dict[str, np.ndarray | pa.Array] = {
        "language": np.repeat(languages, items),
        "id": np.tile(np.arange(items).astype(str), len(languages)),
        "group": pa.nulls(right.size, pa.string()),
        "gold": np.full(right.size, "1"),
        "prediction": np.where(right, "1", "0").ravel(),
        "item": 100.0 * right.ravel(),
    }
    pq.write_table(pa.table(rows), out / "predictions.parquet")
    lines = [
        {"language": code, "split": settings.split, "metric": benchmark.metric,
         "value": 100 * float(own.mean()), "n": items, "chance": benchmark.chance, "constant": False}
        for code, own in zip(languages, right, strict=True)
    ]  # fmt: skip
    (out / "scores.json").write_text(json.dumps(lines), encoding="utf-8")
