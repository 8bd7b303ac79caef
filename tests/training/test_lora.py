"""Low-rank adaptation: what is trained, that packed layers read it, and that a checkpoint has it merged."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from xtransfer.base.errors import RequestError
from xtransfer.models import checkpoints
from xtransfer.models.unpadded.forward import states
from xtransfer.recipes.lora import LoraRecipe
from xtransfer.recipes.recipe import Recipe
from xtransfer.study.study import make
from xtransfer.training import finetune
from xtransfer.training import lora as adaptation
from xtransfer.training.parts import TrainingMixture

from .test_dual import RANKING, ranking_rows
from .test_dual import RECIPE as DUAL_RECIPE
from .test_encoder_families import SIZES, folder_of
from .test_finetune import accuracy, changed, equal, run, weights
from .tiny import PAIR, RECIPE, Killed, killed_at, pair_rows

pytest.importorskip("peft", reason="peft is not installed: pip install 'xtransfer[lora]'")

RATES = {"epochs": None, "steps": 120, "learning_rate": 1e-2, "weight_decay": 0.0}
LORA = changed(RECIPE, **RATES, lora={"rank": 4, "alpha": 16})
ALL = ("query", "key", "value", "dense")
FEW = [(PAIR, pair_rows(24))]


def a_run(encoder: Path, recipe: Recipe, **savings: bool) -> finetune.Run:
    mixed = TrainingMixture.of(FEW, finetune.PROPORTIONAL, ())
    return finetune.Run(encoder, mixed, recipe, 0, "cpu", None, finetune.Savings(**savings))


def moved(own: finetune.Run) -> None:
    """Gives the matrices values as a training does; the second ones start at zero."""
    torch.manual_seed(1)
    for name, value in own.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value, std=0.3)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_learns_while_the_encoder_stays(encoder: Path, tmp_path: Path, precision: str) -> None:
    facts = run(encoder, tmp_path, changed(LORA, precision=precision))
    assert facts["degenerate"] is None and facts["embeddings_trained"] == 0
    assert accuracy(tmp_path / "out", PAIR, pair_rows(60, seed=1)) > 0.75
    start, end = checkpoints.load(encoder).encoder.state_dict(), checkpoints.load(tmp_path / "out").encoder.state_dict()
    assert start.keys() == end.keys()
    changed_names = {name for name, value in start.items() if not torch.equal(value, end[name])}
    layers = [f"encoder.layer.{layer}.attention.self.{name}.weight" for layer in (0, 1) for name in ("query", "value")]
    assert changed_names == set(layers)
    assert all(torch.linalg.matrix_rank(end[name] - start[name], rtol=1e-4) <= 4 for name in layers)


def test_only_the_matrices_and_the_head_are_trained(encoder: Path) -> None:
    own = a_run(encoder, LORA)
    trained = {name: value for name, value in own.model.named_parameters() if value.requires_grad}
    assert {name.split(".")[-3] for name in trained if name.startswith("encoder.")} == {"lora_A", "lora_B"}
    assert sum(value.numel() for name, value in trained.items() if name.startswith("encoder.")) == 2 * 2 * 2 * 4 * 32
    named = next(own.batches(1))
    own.model.loss(named).backward()
    gradients = [value.grad for name, value in trained.items() if "lora_B" in name]
    assert all(one is not None and one.any() for one in gradients)


def test_it_starts_where_the_encoder_is_and_another_seed_elsewhere(encoder: Path) -> None:
    plain, adapted = a_run(encoder, changed(LORA, lora=None)), a_run(encoder, LORA)
    named = next(plain.batches(1))
    one, other = (own.model.eval().loss(named).item() for own in (plain, adapted))
    assert one == pytest.approx(other, abs=1e-6)
    first = next(value for name, value in adapted.model.named_parameters() if "lora_A" in name)
    again = next(value for name, value in a_run(encoder, LORA).model.named_parameters() if "lora_A" in name)
    assert torch.equal(first, again) and first.any()


@pytest.mark.parametrize("targets", [(), ALL])
def test_packed_layers_read_what_was_trained(encoder: Path, targets: tuple[str, ...]) -> None:
    """Losses and gradients are those of the padded computation, and those of the merged encoder."""
    recipe = changed(LORA, dropout=0.0, lora={"rank": 4, "alpha": 8, "targets": targets})
    packed, padded = a_run(encoder, recipe), a_run(encoder, recipe, packed=False)
    for own in (packed, padded):
        moved(own)
    named = next(packed.batches(1))
    before = a_run(encoder, changed(recipe, lora=None)).model.loss(named).item()
    losses = [own.model.loss(named) for own in (packed, padded)]
    assert losses[0].item() == pytest.approx(losses[1].item(), abs=1e-6) and abs(losses[0].item() - before) > 3e-5
    for loss in losses:
        loss.backward()
    theirs = dict(padded.model.named_parameters())
    for name, value in packed.model.named_parameters():
        if value.requires_grad:
            ours, other = value.grad, theirs[name].grad
            assert ours is not None and other is not None and ours.any(), name
            assert float((ours - other).norm() / other.norm()) < 1e-3, name
    with torch.no_grad():
        expected = states(packed.model.encoder.eval(), named[1])
        adaptation.merge(packed.model.encoder)
        assert not any("lora" in name for name, _ in packed.model.encoder.named_parameters())
        assert torch.allclose(states(packed.model.encoder, named[1]), expected, atol=1e-5)


def test_dropout_of_the_matrices_pads_and_says_so(encoder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        own = a_run(encoder, changed(LORA, lora={"dropout": 0.5}))
    assert not own.model.packed and "lora.dropout is 0.5: batches of xlm-roberta are padded" in caplog.text
    moved(own)
    named = next(own.batches(1))
    assert own.model.train().loss(named).item() != own.model.eval().loss(named).item()
    assert a_run(encoder, LORA).model.packed


def test_resumes_to_the_same_and_goes_on(encoder: Path, tmp_path: Path) -> None:
    recipe = changed(LORA, steps=12)
    run(encoder, tmp_path / "one", recipe, FEW)
    with pytest.raises(Killed):
        run(encoder, tmp_path / "two", recipe, FEW, progress=killed_at(5), save_every=0.0)
    run(encoder, tmp_path / "two", recipe, FEW)
    assert equal(tmp_path / "one" / "out", tmp_path / "two" / "out")
    run(tmp_path / "one" / "out", tmp_path / "three", changed(recipe, head="carry"), FEW)
    assert not equal(tmp_path / "one" / "out", tmp_path / "three" / "out")
    best = changed(recipe, select="best", evaluate_every=4)
    assert run(encoder, tmp_path / "best", best, FEW, dev=(PAIR, pair_rows(20, seed=2)))["dev"]["scores"]
    assert not any("lora" in name for name in weights(tmp_path / "best" / "out"))


@pytest.mark.parametrize("family", ["qwen3", "llama"])
def test_a_decoder_is_adapted(tmp_path: Path, family: str) -> None:
    folder = folder_of(tmp_path / "model", family, **SIZES | ({"head_dim": 16} if family == "qwen3" else {}))
    facts = run(folder, tmp_path, changed(LORA, pooling="last", dropout=None))
    assert facts["degenerate"] is None and accuracy(tmp_path / "out", PAIR, pair_rows(60, seed=1)) > 0.9


def test_micro_batches_of_a_dual_encoder(encoder: Path) -> None:
    recipe = changed(DUAL_RECIPE, lora={"rank": 4})
    mixed = TrainingMixture.of([(RANKING, ranking_rows())], finetune.PROPORTIONAL, ())
    found = []
    for rows in (12, 5):
        own = finetune.Run(encoder, mixed, recipe, 0, "cpu", None, finetune.Savings())
        moved(own)
        micro_batcher = own.micro_batcher()
        micro_batcher.rows = rows
        micro_batcher(own.model.loss, next(own.batches(1)))
        found.append([value.grad for value in own.model.parameters() if value.grad is not None])
    assert len(found[0]) == len(found[1]) > 4
    assert max(float((one - other).abs().max()) for one, other in zip(*found, strict=True)) < 1e-6


def test_layers_that_do_not_exist_are_refused(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"'xlm-roberta' has no .* named q_proj \(it has dense, key, query"):
        run(encoder, tmp_path, changed(LORA, lora={"targets": ["q_proj"]}), FEW)
    folder = folder_of(tmp_path / "model", "xlnet", d_model=32, n_layer=2, n_head=2, d_inner=64)
    with pytest.raises(RequestError, match=r"lora.targets: name the layers .* 'xlnet' has .*layer_1"):
        run(folder, tmp_path, LORA, FEW)


def test_without_peft_it_says_what_to_install(encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(RequestError, match=r"lora needs the package peft: pip install 'xtransfer\[lora\]'"):
        run(encoder, tmp_path, LORA, FEW)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"lora": {"rank": 0}}, "greater than 0"),
        ({"lora": {"ranks": 8}}, "Extra inputs"),
        ({"lora": {"dropout": 1}}, "less than 1"),
        ({"lora": {"targets": [""]}}, "at least 1 character"),
        ({"lora": {}, "average_last": 3}, "average_last cannot be combined with lora"),
    ],
)
def test_values_that_cannot_be_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Recipe(steps=10, **values)


def test_frozen_embeddings_are_a_part_of_lora() -> None:
    assert Recipe(steps=10, lora={"rank": 4}, freeze_embeddings=True) == Recipe(steps=10, lora={"rank": 4})
    assert Recipe(steps=10, freeze_embeddings=True).freeze_embeddings
    with pytest.raises(ValidationError, match="freeze_embeddings"):
        Recipe.model_validate({"steps": 10, "lora": {"rank": 4}, "freeze_embeddings": "maybe"})


def test_settings_within_a_recipe_without_lora_say_how_to_set_it() -> None:
    study = make({"name": "x", "encoders": ["lab-mini@0"], "intermediates": ["direct"], "targets": ["lab-copa"]})
    with pytest.raises(
        RequestError, match=r"--set target_recipe.lora.rank: lora is empty; set .*'lora=\{rank: \.\.\.\}'"
    ):
        study.with_settings({"target_recipe.lora.rank": 4})
    adapted = study.with_settings({"target_recipe.lora": {"rank": 4}})
    assert adapted.target_recipe.lora == LoraRecipe(rank=4)
    assert adapted.with_settings({"target_recipe.lora.rank": 8}).target_recipe.lora == LoraRecipe()
