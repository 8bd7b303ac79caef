"""The expected disk of a plan, beside what its artifacts take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.running import QUICK, Ran
from xtransfer.base.stage import FolderModel
from xtransfer.base.words import amount
from xtransfer.planning.disk import artifact_bytes, state_bytes
from xtransfer.planning.grid import plan
from xtransfer.planning.model_sizes import ModelSize, ModelSizes
from xtransfer.recipes.recipe import Recipe
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.builtin import find
from xtransfer.study.stage_settings import TrainPart, TrainSettings


def test_the_laboratorys_artifacts_are_as_large_as_expected(small_lab: Ran) -> None:
    stages = plan(find(QUICK)).stages
    store = ArtifactStore(small_lab.home / "artifacts")
    took: dict[str, int] = {}
    for stage in stages:
        artifact = store.find(stage.key)
        assert artifact is not None
        size = sum(file.size for file in artifact.manifest.files.values())
        took[stage.kind] = took.get(stage.kind, 0) + size
    expected = artifact_bytes(stages, stages)
    assert expected.keys() == took.keys()
    for kind, size in took.items():
        assert size / 1.5 < expected[kind] < 1.5 * size, kind


def _train(folder: Path, vocabulary: int) -> TrainSettings:
    config = {"num_hidden_layers": 12, "hidden_size": 384, "intermediate_size": 1536, "vocab_size": vocabulary}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    return TrainSettings(
        start=FolderModel(digest=str(folder)),
        parts=(TrainPart(benchmark="lab-nli", language="en", data="pin"),),
        recipe=Recipe(epochs=1),
        seed=0,
    )


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "gpt2", "n_embd": 384, "n_layer": 12, "n_inner": None},
        {"model_type": "mt5", "d_model": 384, "num_layers": 12, "d_ff": 1536},
        {"model_type": "distilbert", "dim": 384, "n_layers": 12, "hidden_dim": 1536},
        {"model_type": "xlm", "emb_dim": 384, "n_layers": 12},
    ],
)
def test_families_name_their_sizes_in_their_own_way(tmp_path: Path, config: dict[str, object]) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**config, "vocab_size": 10_000}))
    size = ModelSizes({}, {"here": str(tmp_path)})(FolderModel(digest="here"))
    assert size == ModelSize(21_233_664, 10_000, 384)


def test_a_large_table_is_in_a_checkpoint_as_the_rows_that_changed(tmp_path: Path) -> None:
    small, large = (
        _train(tmp_path / str(size), size).stage("train", {str(tmp_path / str(size)): str(tmp_path / str(size))})
        for size in (10_000, 250_037)
    )
    whole = 4 * (21_233_664 + 10_000 * 384)
    assert artifact_bytes([small], [small])["train"] == pytest.approx(whole, rel=0.01)
    assert 89e6 < artifact_bytes([large], [large])["train"] < 102e6, "measured: 89 to 102 MB"
    assert state_bytes([small, large], [small, large], 1) == 12 * (21_233_664 + 250_037 * 384)
    assert state_bytes([small, large], [small, large], 2) == pytest.approx(state_bytes([large], [large], 1) + 3 * whole)


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 kB"), (1_499, "1 kB"), (999_600, "1.0 MB"), (12_345_678, "12 MB"), (5.8e11, "580 GB"), (2e12, "2.0 TB")],
)
def test_amounts(size: float, said: str) -> None:
    assert amount(size) == said
