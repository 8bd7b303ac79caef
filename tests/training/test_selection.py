"""Selection on English dev, and an early stop: what is looked at, when it ends, and that test rows stay closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from xtransfer.benchmarks.spec import Benchmark
from xtransfer.data import load
from xtransfer.models import predict
from xtransfer.planning import grid
from xtransfer.stages.execute import execute
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.builtin import STUDIES
from xtransfer.training.selection import BestOnDev

from .test_finetune import changed, equal, run
from .tiny import PAIR, RECIPE, Killed, killed_at, pair_rows

DEV = (PAIR, pair_rows(20, seed=2))
PATIENT = changed(RECIPE, select="best", evaluate_every=5, patience=3)  # of 72 steps


def script(monkeypatch: pytest.MonkeyPatch, *scores: float) -> None:
    """Let the evaluations give these scores, by their number."""
    monkeypatch.setattr(BestOnDev, "_score", lambda self: scores[len(self.scores)])


def test_training_ends_after_so_many_evaluations_without_a_gain(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, 50, 60, 55, 60, 70, 70, 69, 70, 99)  # an equal score is no gain
    facts = run(encoder, tmp_path, PATIENT, dev=DEV)
    assert facts["steps"] == 40 and [step for step, _ in facts["dev"]["scores"]] == list(range(5, 45, 5))
    assert (facts["dev"]["best_step"], facts["dev"]["best"], facts["dev"]["stopped_early"]) == (25, 70, True)


def test_a_run_that_keeps_gaining_goes_to_its_end(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(monkeypatch, *range(15))
    facts = run(encoder, tmp_path, PATIENT, dev=DEV)
    assert facts["steps"] == 72 and facts["dev"]["best_step"] == 72 and not facts["dev"]["stopped_early"]


@pytest.mark.parametrize("step", [20, 40])  # before the stop, and when the state of the stop itself is saved
def test_killed_and_resumed_it_stops_where_it_would_have(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    script(monkeypatch, 50, 60, 55, 60, 70, 70, 69, 70, 99)
    undisturbed = run(encoder, tmp_path / "one", PATIENT, dev=DEV)
    with pytest.raises(Killed):
        run(encoder, tmp_path / "two", PATIENT, dev=DEV, progress=killed_at(step), save_every=0.0)
    resumed = run(encoder, tmp_path / "two", PATIENT, dev=DEV)
    assert resumed["dev"] == undisturbed["dev"] and resumed["steps"] == 40
    assert equal(tmp_path / "one" / "out", tmp_path / "two" / "out")


def test_training_opens_train_and_dev_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[str, str, str, int | None]] = []
    true_load = load.load

    def watched(benchmark: Benchmark, language: str, split: Any, limit: int | None = None) -> Any:
        opened.append((benchmark.name, language, split, limit))
        return true_load(benchmark, language, split, limit)

    monkeypatch.setattr(load, "load", watched)
    recipe = {"steps": 4, "batch_size": 8, "max_length": 48, "select": "best", "evaluate_every": 2, "patience": 1,
              "dev_rows": 12}  # fmt: skip
    study = STUDIES["lab"].shrunk().with_settings({"target_recipe": recipe, "intermediate": "direct", "seeds": [0]})
    plan = grid.plan(study.with_settings({"encoders": ["lab-mini@0"], "targets": ["lab-inference"]}))
    store, opened_by = ArtifactStore(tmp_path), {}
    for stage in plan.stages:
        opened.clear()
        execute(stage, store)
        opened_by[stage.kind] = set(opened)
    assert opened_by["train"] == {("lab-inference", "en", "train", None), ("lab-inference", "en", "dev", 12)}
    assert {split for _, _, split, _ in opened_by["score"]} == {"test"}, (
        "the watch does see test rows where they are read"
    )


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_dev_evaluations_run_in_the_precision_of_the_run(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    """The encoder alone: what the head gets, and computes, is fp32."""
    seen: list[tuple[str, torch.dtype, bool]] = []
    true_states = predict.states

    def watched(*given: Any, **options: Any) -> torch.Tensor:
        found = true_states(*given, **options)
        seen.append((options["precision"], found.dtype, torch.is_autocast_enabled("cpu")))
        return found

    monkeypatch.setattr(predict, "states", watched)
    recipe = changed(RECIPE, epochs=None, steps=4, select="best", evaluate_every=2, precision=precision)
    run(encoder, tmp_path / "one", recipe, dev=DEV)
    assert len(seen) >= 2 and set(seen) == {(precision, torch.float32, False)}
