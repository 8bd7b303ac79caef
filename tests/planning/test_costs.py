"""The expected time of stages follows from sizes and speed, and from what like stages took."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xtransfer import benchmarks
from xtransfer.base.stage import FolderModel, Made, Stage
from xtransfer.data.load import load_rows
from xtransfer.data.sizes import num_rows
from xtransfer.planning.costs import Costs, Finished
from xtransfer.recipes.recipe import Recipe
from xtransfer.study.stage_settings import ScoreSettings, TrainPart, TrainSettings

SPEED = 1e10  # operations per second


def _train(folder: Path, epochs: int = 1, layers: int = 12, precision: str = "fp32", rows: int = 1000) -> Stage:
    folder.mkdir(exist_ok=True)
    config = {"num_hidden_layers": layers, "hidden_size": 384, "intermediate_size": 1536}
    (folder / "config.json").write_text(json.dumps(config))
    settings = TrainSettings(
        start=FolderModel(digest=str(folder)),
        parts=(TrainPart(benchmark="lab-nli", language="en", data="pin"),),
        rows=rows,
        recipe=Recipe(epochs=epochs, precision=precision, max_length=64),  # type: ignore[arg-type]
        seed=0,
    )
    return settings.stage("train", {str(folder): str(folder)})


def _score(train: Stage) -> Stage:
    return ScoreSettings(
        checkpoint=Made(key=train.key), benchmark="lab-inference", data="pin", split="test", languages=("en", "de"),
        max_length=64, rows=100,
    ).stage("score")  # fmt: skip


def _finished(stage: Stage, seconds: float) -> Finished:
    return Finished(stage.key, stage.kind, stage.settings, seconds)


def test_training_takes_six_operations_per_weight_and_token_at_the_speed_of_a_slot(tmp_path: Path) -> None:
    once, twice = _train(tmp_path / "e"), _train(tmp_path / "e", epochs=2)
    costs = Costs([once, twice], speed=lambda: SPEED)
    weights, tokens = 12 * (4 * 384**2 + 2 * 384 * 1536), 1000 * 45
    arithmetic = 6 * weights * tokens / (0.7 * SPEED)
    assert costs(twice) - costs(once) == pytest.approx(arithmetic, rel=0.05)
    assert arithmetic < costs(once) < 1.05 * arithmetic
    assert Costs([once], slots=2, speed=lambda: SPEED)(once) == pytest.approx(2 * costs(once), rel=0.1)


def test_a_score_takes_a_third_per_row_of_what_training_takes(tmp_path: Path) -> None:
    train = _train(tmp_path / "e", rows=200)
    score = _score(train)
    costs = Costs([train, score], speed=lambda: SPEED)
    assert costs(score) == pytest.approx(costs(train) / 3, rel=0.1)


def test_what_like_stages_took_counts_and_the_closest_of_them_first(tmp_path: Path) -> None:
    known, new, bf16 = (
        _train(tmp_path / "e"),
        _train(tmp_path / "e", epochs=3),
        _train(tmp_path / "e", precision="bf16"),
    )
    other = _train(tmp_path / "f", layers=6)
    raw = Costs([known, new, bf16, other], speed=lambda: SPEED)
    took = [_finished(known, 3 * raw(known)), _finished(other, 5 * raw(other))]
    costs = Costs([known, new, bf16, other], took, speed=lambda: SPEED)
    assert costs(new) == pytest.approx(3 * raw(new))
    assert costs(bf16) == pytest.approx(3 * raw(bf16))  # of the same model
    assert costs(other) == pytest.approx(5 * raw(other))
    score = _score(known)
    assert Costs([known, score], took, speed=lambda: SPEED)(score) == pytest.approx(
        Costs([known, score], speed=lambda: SPEED)(score)
    )
    assert costs.timed(new) and not raw.timed(new)


def test_stages_with_models_or_data_that_are_not_known_here_say_nothing(tmp_path: Path) -> None:
    train = _train(tmp_path / "e")
    strange = {**train.settings, "parts": [{"benchmark": "of-another-home", "language": "en", "data": "pin"}]}
    lost = {**train.settings, "start": {"digest": "elsewhere"}}
    took = [Finished("a", "train", strange, 9e9), Finished("b", "train", lost, 9e9), Finished("c", "train", {}, 9e9)]
    assert Costs([train], took, speed=lambda: SPEED)(train) == Costs([train], speed=lambda: SPEED)(train)


def test_kinds_without_arithmetic_take_what_they_declare() -> None:
    assert Costs([])(Stage("empty", 1, "empty", {})) == 1.0


def test_rows_are_counted_as_they_are_read() -> None:
    for name, language, split in (("lab-nli", "de", "train"), ("lab-inference", "en", "test")):
        benchmark = benchmarks.get(name)
        assert num_rows(benchmark, language, split) == len(load_rows(benchmark, language, split))  # type: ignore[arg-type]
