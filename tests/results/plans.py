"""Artifacts of a real plan, with made-up results: no training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq

from xtransfer.planning import grid
from xtransfer.store import local
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.cells import Plan
from xtransfer.study.study import Study

TRANSLATED = {"rows": 480, "kept": 478, "dropped_empty": 2, "compared": 900, "chrf": 61.5, "exact_match": 12.5}
RECIPE = {"epochs": 1, "max_length": 64}


def planned(name: str, targets: list[str], intermediates: list[str] | None = None, **more: Any) -> Plan:
    """The plan of a study of laboratory data with one recipe for all trainings."""
    grid_of = {"encoders": ["lab-mini@0"], "intermediates": intermediates or ["direct"], "targets": targets}
    recipes = {"target_recipe": RECIPE, "intermediate_recipe": RECIPE}
    return grid.plan(Study.model_validate({"name": name, "seeds": [3], **grid_of, **recipes, **more}))


def finish_plan(plan: Plan, store: ArtifactStore, facts: Mapping[str, Any]) -> None:
    """Artifacts of all stages that have none yet; `facts` by kind of stage."""
    for stage in plan.stages:
        if store.find(stage.key):
            continue
        out = store.empty_out(stage.key)
        if stage.kind == "score":
            line = {"language": "de", "split": "test", "metric": "accuracy", "value": 50.0, "n": 2, "chance": None,
                    "constant": False}  # fmt: skip
            (out / "scores.json").write_text(json.dumps([line]))
            rows = {"language": ["de", "de"], "id": ["0", "1"], "item": [0.0, 100.0]}
            pq.write_table(
                pa.table({**rows, "group": pa.array([None, None], pa.string())}), out / "predictions.parquet"
            )
        with mock.patch.object(local, "sync"):
            store.commit(stage, out, {**facts.get(stage.kind, {}), "steps": 7}, "cpu", datetime.now(UTC))
