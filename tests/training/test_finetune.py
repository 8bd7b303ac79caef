from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from xtransfer.base.errors import RequestError
from xtransfer.models import checkpoints
from xtransfer.models.predict import RowEncoder, predict
from xtransfer.recipes.mixture import Sampling
from xtransfer.recipes.recipe import Recipe
from xtransfer.training import finetune, session

from .tiny import CHOICE, PAIR, RECIPE, Killed, choice_rows, killed_at, pair_rows

ROWS = pair_rows(96)


def changed(recipe: Recipe, **values: Any) -> Recipe:
    return Recipe.model_validate({**recipe.model_dump(), **values})


def run(start: Path, folder: Path, recipe: Recipe = RECIPE, parts: Any = None, **options: Any) -> dict[str, Any]:
    parts = [(PAIR, ROWS)] if parts is None else parts
    return finetune.finetune(start, parts, recipe, 0, folder / "out", folder / "state", **options)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    head = {f"head/{name}": value for name, value in load_file(folder / "head.safetensors").items()}
    return {**load_file(folder / "model.safetensors"), **head}


def equal(one: Path, other: Path) -> bool:
    ours, theirs = weights(one), weights(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def accuracy(folder: Path, benchmark: Any, rows: Any) -> float:
    loaded = checkpoints.load(folder)
    reader = RowEncoder(loaded.tokenizer, 24)
    predictions = predict(loaded.encoder, loaded.head_for(benchmark), benchmark, rows, reader)
    return sum(one.value == row["label"] for one, row in zip(predictions, rows, strict=True)) / len(rows)


@pytest.fixture(scope="module")
def trained(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("trained")
    return folder / "out", run(encoder, folder)


def test_learns_what_can_be_learned(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, facts = trained
    assert facts["steps"] == 6 * 12 and facts["degenerate"] is None and facts["heads"] == {"colours": "fresh"}
    assert facts["loss_last"] < 0.2 < facts["loss_first"]
    assert accuracy(folder, PAIR, pair_rows(60, seed=1)) > 0.95


def test_same_seed_same_weights_and_another_seed_others(
    encoder: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    torch.manual_seed(12345)  # what happens to be drawn outside does not matter, and is not disturbed
    run(encoder, tmp_path)
    drawn = torch.rand(1)
    torch.manual_seed(12345)
    assert torch.equal(drawn, torch.rand(1))
    assert equal(trained[0], tmp_path / "out")
    finetune.finetune(encoder, [(PAIR, ROWS)], RECIPE, 1, tmp_path / "other", tmp_path / "state-of-other")
    assert not equal(trained[0], tmp_path / "other")


@pytest.mark.parametrize("step", [20, 40, 60])
def test_killed_and_resumed_gives_the_same_weights(
    encoder: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path, step: int
) -> None:
    with pytest.raises(Killed):
        run(encoder, tmp_path, progress=killed_at(step), save_every=0.01)
    assert len(list((tmp_path / "state").iterdir())) == 1  # older states are gone, no partial one is left
    steps: list[int] = []
    facts = run(encoder, tmp_path, progress=lambda message, done, total, metrics=None: steps.append(done))
    assert steps[0] > step - 20, "went on from the state, not from the start"
    assert equal(trained[0], tmp_path / "out")
    assert facts["losses"] == trained[1]["losses"] and "resumed_over" not in facts


def test_a_training_resumed_after_an_upgrade_says_so(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Killed):
        run(encoder, tmp_path, progress=killed_at(40), save_every=0.01)
    monkeypatch.setattr(session, "version", lambda name: "99.1")
    facts = run(encoder, tmp_path)
    before, after = facts["resumed_over"]
    assert "torch 99.1" in after and "torch 99.1" not in before and "resumed from step" in caplog.text


def test_carries_the_head_on(encoder: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    carry = changed(RECIPE, head="carry", epochs=None, steps=1, learning_rate=1e-12, warmup=0)
    same = run(trained[0], tmp_path / "same", carry)
    assert same["heads"] == {"colours": "carried from colours"}
    assert same["loss_first"] < 0.3 and same["degenerate"] is None  # nothing left to learn is not degenerate
    other = run(trained[0], tmp_path / "other", carry, [(CHOICE, choice_rows(32))])
    assert other["heads"] == {"choices": "carried from colours"}
    assert accuracy(tmp_path / "other" / "out", CHOICE, choice_rows(40, seed=1)) > 0.9
    fresh = run(trained[0], tmp_path / "fresh", changed(carry, head="fresh"))
    assert fresh["heads"] == {"colours": "fresh"} and fresh["loss_first"] > 0.5


def test_frozen_embeddings_stay(encoder: Path, tmp_path: Path) -> None:
    run(encoder, tmp_path, changed(RECIPE, freeze_embeddings=True, epochs=1))
    before, after = (
        load_file(encoder / "model.safetensors"),
        load_file(tmp_path / "out" / "model.safetensors"),
    )
    tables = [name for name in before if name.startswith("embeddings.") and name.endswith("embeddings.weight")]
    assert len(tables) == 3
    for name in tables:
        assert torch.equal(before[name], after[name])
    moved = "encoder.layer.0.output.dense.weight"
    assert not torch.equal(before[moved], after[moved])


def test_dropout_of_the_recipe_is_not_the_next_ones(encoder: Path, tmp_path: Path) -> None:
    run(encoder, tmp_path, changed(RECIPE, dropout=0.0, epochs=1))
    config = checkpoints.load(tmp_path / "out").encoder.config
    assert config.hidden_dropout_prob == config.attention_probs_dropout_prob == 0.1
    loaded = checkpoints.load(encoder, dropout=0.0)
    assert {one.p for one in loaded.encoder.modules() if isinstance(one, torch.nn.Dropout)} == {0.0}


def test_a_task_without_signal_is_degenerate(encoder: Path, tmp_path: Path) -> None:
    facts = run(encoder, tmp_path, changed(RECIPE, learning_rate=1e-7), [(PAIR, pair_rows(96, noise=True))])
    assert "colours: the loss did not fall" in facts["degenerate"]


def test_not_a_number_is_degenerate_and_ends_early(encoder: Path, tmp_path: Path) -> None:
    facts = run(_with_nan(encoder, tmp_path / "nan"), tmp_path)
    assert "the loss became nan at step 1" in facts["degenerate"]
    assert facts["steps"] == 20 and facts["loss_last"] is None and facts["losses"] == []


def test_a_degenerate_run_begins_again_with_another_seed(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = iter([["the loss did not fall"], ["the loss did not fall"], []])
    seeds: list[int] = []

    def degenerate(course: Any, plan: Any, encoded: Any) -> str | None:
        seeds.append(plan.seed)
        return next(iter(next(said)), None)

    monkeypatch.setattr(finetune, "_degenerate", degenerate)
    facts = run(encoder, tmp_path, changed(RECIPE, restarts=4, epochs=1))
    assert facts["degenerate"] is None and facts["restarts"] == ["the loss did not fall"] * 2
    assert len(set(seeds)) == 3 and seeds[0] == 0 and 1 not in seeds  # seed 1 is another cell of a study
    monkeypatch.undo()
    finetune.finetune(encoder, [(PAIR, ROWS)], changed(RECIPE, epochs=1), seeds[2], tmp_path / "x", tmp_path / "y")
    assert equal(tmp_path / "out", tmp_path / "x")


def test_tries_run_out_and_that_is_degenerate(encoder: Path, tmp_path: Path) -> None:
    recipe = changed(RECIPE, learning_rate=1e-7, epochs=1, restarts=1)
    facts = run(encoder, tmp_path, recipe, [(PAIR, pair_rows(96, noise=True))])
    assert "did not fall" in facts["degenerate"] and len(facts["restarts"]) == 1
    assert (tmp_path / "out" / "model.safetensors").exists()


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_bf16_learns_too_and_leaves_weights_in_fp32(
    encoder: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path, dropout: float
) -> None:
    facts = run(encoder, tmp_path, changed(RECIPE, precision="bf16", dropout=dropout))
    assert facts["loss_last"] < 0.3 and facts["degenerate"] is None
    assert not equal(trained[0], tmp_path / "out")
    assert {value.dtype for value in weights(tmp_path / "out").values()} == {torch.float32}
    assert abs(facts["loss_first"] - trained[1]["loss_first"]) < 0.02


def _with_nan(encoder: Path, folder: Path) -> Path:
    loaded = checkpoints.load(encoder)
    with torch.no_grad():
        loaded.encoder.get_input_embeddings().weight.fill_(math.nan)
    checkpoints.save(folder, loaded.encoder, loaded.tokenizer)
    return folder


def test_best_is_the_best_on_dev(encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from xtransfer.training.selection import BestOnDev

    scripted = iter([50.0, 90.0, 70.0, 90.0])
    seen: list[dict[str, torch.Tensor]] = []

    def score(self: BestOnDev) -> float:
        seen.append({name: value.detach().clone() for name, value in self.model.named_parameters()})
        return next(scripted)

    monkeypatch.setattr(BestOnDev, "_score", score)
    best = changed(RECIPE, select="best", evaluate_every=20)
    facts = run(encoder, tmp_path, best, dev=(PAIR, pair_rows(20, seed=2)))["dev"]
    assert facts["scores"] == [[20, 50.0], [40, 90.0], [60, 70.0], [72, 90.0]]
    assert (facts["best_step"], facts["best"]) == (40, 90.0)
    kept = load_file(tmp_path / "out" / "model.safetensors")
    assert all(torch.equal(value, seen[1][f"encoder.{name}"]) for name, value in kept.items())


def test_selection_scores_dev_and_survives_a_kill(encoder: Path, tmp_path: Path) -> None:
    best = changed(RECIPE, select="best", evaluate_every=15)
    dev = (PAIR, pair_rows(30, seed=2))
    undisturbed = run(encoder, tmp_path / "one", best, dev=dev)

    with pytest.raises(Killed):
        run(encoder, tmp_path / "two", best, dev=dev, progress=killed_at(55), save_every=0.01)
    resumed = run(encoder, tmp_path / "two", best, dev=dev)
    assert resumed["dev"] == undisturbed["dev"] and undisturbed["dev"]["best"] > 90
    assert equal(tmp_path / "one" / "out", tmp_path / "two" / "out")


def test_a_mixture_has_a_head_for_each(encoder: Path, tmp_path: Path) -> None:
    parts = [(PAIR, ROWS[:48]), (CHOICE, choice_rows(48)), (PAIR, ROWS[48:])]
    facts = run(encoder, tmp_path, changed(RECIPE, epochs=8), parts)
    assert facts["steps"] == 8 * (12 + 6) and facts["degenerate"] is None
    assert accuracy(tmp_path / "out", PAIR, pair_rows(40, seed=1)) > 0.9
    assert accuracy(tmp_path / "out", CHOICE, choice_rows(40, seed=1)) > 0.9


def test_a_mixture_in_rotation_learns_and_goes_on_after_a_kill(encoder: Path, tmp_path: Path) -> None:
    parts = [(PAIR, ROWS[:48]), (CHOICE, choice_rows(48)), (PAIR, ROWS[48:])]
    options = {"parts": parts, "recipe": changed(RECIPE, epochs=8), "sampling": Sampling(rule="rotation")}
    facts = run(encoder, tmp_path / "one", **options)
    assert facts["steps"] == 8 * 18 and facts["degenerate"] is None and len(facts["heads"]) == 2

    with pytest.raises(Killed):
        run(encoder, tmp_path / "two", **options, progress=killed_at(60), save_every=0.01)
    run(encoder, tmp_path / "two", **options)
    assert equal(tmp_path / "one" / "out", tmp_path / "two" / "out")


@pytest.mark.parametrize(
    ("values", "parts", "said"),
    [
        ({"max_length": 33}, [(PAIR, ROWS)], "positions for 32 tokens"),
        ({}, [(PAIR, [])], "'colours' has no rows"),
        ({}, [], "no benchmark to train on"),
        ({"select": "best"}, [(PAIR, ROWS)], "needs English dev rows"),
    ],
)
def test_refuses(encoder: Path, tmp_path: Path, values: dict[str, Any], parts: Any, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        run(encoder, tmp_path, changed(RECIPE, **values), parts)
    assert not (tmp_path / "out").exists()
