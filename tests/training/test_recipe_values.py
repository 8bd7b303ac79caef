"""Values of a recipe that change how it trains: smoothed labels, rates by part, averaged checkpoints, dropout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch.nn.functional import one_hot
from transformers import CONFIG_MAPPING, AutoModel

from perf.tiny_encoders import encoder_of
from xtransfer.base.errors import RequestError
from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.kinds.batches import collate
from xtransfer.kinds.heads import OptionHead, label_loss
from xtransfer.kinds.spec import Encoded
from xtransfer.kinds.uninformed import uninformed_loss
from xtransfer.models import checkpoints, pretrained
from xtransfer.recipes.recipe import Recipe
from xtransfer.training import finetune, state
from xtransfer.training.averaging import MeanOfLast
from xtransfer.training.parts import TrainingMixture
from xtransfer.training.rates import layers_of

from .test_encoder_families import SIZES, folder_of
from .test_finetune import changed, equal, run, weights
from .test_tags import TAGS, tag_rows
from .tiny import CHOICE, PAIR, RECIPE, Killed, choice_rows, killed_at, pair_rows

PLAIN = changed(RECIPE, epochs=None, steps=6, dropout=0.0, warmup=0.0, weight_decay=0.0)
STS = Benchmark("nearness", "sts", ("en",), Source("test"), {}, "pearson")
PARTS: dict[str, Any] = {
    "pair": [(PAIR, pair_rows(40))],
    "choice": [(CHOICE, choice_rows(24))],
    "tags": [(TAGS, tag_rows(40))],
}


def a_run(encoder: Path, recipe: Recipe, parts: Any = PARTS["pair"]) -> finetune.Run:
    mixed = TrainingMixture.of(parts, finetune.PROPORTIONAL, ())
    return finetune.Run(encoder, mixed, recipe, 0, "cpu", None, finetune.Savings())


def test_smoothed_labels_are_those_of_the_definition() -> None:
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    targets = [0, 2, 1, 1, 0]
    wanted = 0.7 * one_hot(torch.tensor(targets), 3) + 0.3 / 3
    expected = -(wanted * logits.log_softmax(-1)).sum(-1).mean()
    assert label_loss(logits, targets, 0.3).item() == pytest.approx(expected.item(), abs=1e-6)
    theirs = torch.nn.functional.cross_entropy(logits, torch.tensor(targets), label_smoothing=0.3)
    assert label_loss(logits, targets, 0.3).item() == pytest.approx(theirs.item(), abs=1e-6)


def test_options_that_a_row_does_not_have_get_no_share() -> None:
    head = OptionHead(4, 0.0)
    head.label_smoothing = 0.2
    logits = torch.tensor([[1.0, 0.0, float("-inf")], [0.5, 0.2, 0.1]], requires_grad=True)
    loss = head.loss(logits, collate([Encoded(((5,),), None, target) for target in (0, 2)], 1))
    first = -(torch.tensor([0.9, 0.1]) * logits[0, :2].log_softmax(-1)).sum()
    second = -(torch.tensor([0.2 / 3, 0.2 / 3, 0.8 + 0.2 / 3]) * logits[1].log_softmax(-1)).sum()
    assert loss.item() == pytest.approx((first + second).item() / 2, abs=1e-6)
    loss.backward()
    assert logits.grad is not None and logits.grad.isfinite().all() and logits.grad[0, 2] == 0


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kind", PARTS)
def test_smoothing_reaches_the_loss_of_every_kind_with_labels(encoder: Path, kind: str, precision: str) -> None:
    plain, smoothed = (
        a_run(encoder, changed(PLAIN, label_smoothing=share, precision=precision), PARTS[kind]) for share in (0.0, 0.4)
    )
    named = next(plain.batches(1))
    one, other = plain.model.eval().loss(named), smoothed.model.eval().loss(named)
    assert one.item() != other.item() and other.isfinite()
    other.backward()
    assert all(value.grad.isfinite().all() for value in smoothed.model.parameters() if value.grad is not None)


@pytest.mark.parametrize("kind", PARTS)
def test_smoothed_parts_add_up_to_the_batch(encoder: Path, kind: str) -> None:
    def gradients(rows: int) -> tuple[float, list[torch.Tensor]]:
        own = a_run(encoder, changed(PLAIN, label_smoothing=0.3), PARTS[kind])
        micro_batcher = own.micro_batcher()
        micro_batcher.rows = rows
        loss = micro_batcher(own.model.loss, next(own.batches(1)))
        return float(loss), [value.grad for value in own.model.parameters() if value.grad is not None]

    (whole, ours), (parts, theirs) = gradients(8), gradients(3)
    assert whole == pytest.approx(parts, abs=1e-6)
    assert max(float((one - other).abs().max()) for one, other in zip(ours, theirs, strict=True)) < 1e-6


def test_guessing_smoothed_labels_costs_their_entropy(encoder: Path) -> None:
    encoded = a_run(encoder, PLAIN, [(PAIR, pair_rows(40)[:3])]).encoded["colours"]  # labels 0, 1, 0
    answer = torch.tensor([0.8 * 2 / 3 + 0.1, 0.8 / 3 + 0.1])
    found = uninformed_loss(encoded, 0.2)
    assert found == pytest.approx(float(-(answer * answer.log()).sum()), abs=1e-6)
    assert found is not None and found == pytest.approx(
        label_loss(answer.log().expand(3, 2), [0, 1, 0], 0.2).item(), abs=1e-6
    )  # what that answer costs, which no constant answer undercuts
    assert found > (uninformed_loss(encoded) or 0)


def test_a_kind_without_labels_is_not_smoothed(encoder: Path, tmp_path: Path) -> None:
    rows = [{"id": "1", "group": "1", "first": "a tree", "second": "the tree", "score": 0.5}] * 4
    with pytest.raises(RequestError, match=r"label_smoothing needs labels, .* is of kind sts \(kinds with .*pair"):
        run(encoder, tmp_path, changed(PLAIN, label_smoothing=0.1), [(STS, rows)])


def test_each_part_moves_at_its_own_rate(encoder: Path) -> None:
    """AdamW's first step is one rate for every weight with a gradient, whatever the gradient's size."""
    recipe = changed(PLAIN, learning_rate=1e-3, head_lr_factor=5, layer_decay=0.5)
    own = a_run(encoder, recipe)
    before = {name: value.detach().clone() for name, value in own.model.named_parameters()}
    job = own.job()
    own.model.loss(next(own.batches(1))).backward()
    job.optimizer.step()
    moved = {name: float((value - before[name]).detach().abs().max()) for name, value in own.model.named_parameters()}
    rates = {
        "heads.0.dense.weight": 5e-3,
        "heads.0.out_proj.bias": 5e-3,
        "encoder.encoder.layer.1.output.dense.weight": 1e-3,
        "encoder.encoder.layer.1.output.LayerNorm.bias": 1e-3,
        "encoder.encoder.layer.0.output.dense.weight": 5e-4,
        "encoder.embeddings.word_embeddings.weight": 2.5e-4,
        "encoder.embeddings.LayerNorm.weight": 2.5e-4,
    }
    assert {name: moved[name] for name in rates} == pytest.approx(rates, rel=0.02)
    assert job.optimizer.param_groups[0]["peak"] == 1e-3, "what is reported as the rate"


def test_rates_by_part_change_what_is_trained_and_resume_to_the_same(encoder: Path, tmp_path: Path) -> None:
    recipe = changed(RECIPE, epochs=None, steps=12, head_lr_factor=5, layer_decay=0.5)
    run(encoder, tmp_path / "plain", changed(recipe, head_lr_factor=1, layer_decay=1), PARTS["pair"])
    run(encoder, tmp_path / "one", recipe, PARTS["pair"])
    with pytest.raises(Killed):
        run(encoder, tmp_path / "two", recipe, PARTS["pair"], progress=killed_at(5), save_every=0.0)
    run(encoder, tmp_path / "two", recipe, PARTS["pair"])
    assert equal(tmp_path / "one" / "out", tmp_path / "two" / "out")
    assert not equal(tmp_path / "one" / "out", tmp_path / "plain" / "out")


@pytest.mark.parametrize(
    ("model_type", "values"),
    [
        ("bert", SIZES),
        ("deberta-v2", SIZES),
        ("modernbert", SIZES),
        ("mt5", {"d_model": 32, "num_layers": 2, "num_heads": 2, "d_ff": 64, "d_kv": 16}),
        ("xlm", {"emb_dim": 32, "n_layers": 2, "n_heads": 2}),
        ("qwen3", SIZES | {"head_dim": 16}),
    ],
)
def test_layers_of_other_families_are_found(model_type: str, values: dict[str, Any]) -> None:
    config = CONFIG_MAPPING[model_type](**values, vocab_size=50, pad_token_id=1)
    model = AutoModel.from_config(config)
    model = model.encoder if model_type == "mt5" else model
    depth, layers = layers_of(model)
    assert depth == 2 and set(layers.values()) == {0, 1, 2}
    table = model.get_input_embeddings().weight
    assert next(layers[name] for name, value in model.named_parameters() if value is table) == 0


def test_positions_that_every_layer_reads_are_below_the_first() -> None:
    depth, layers = layers_of(encoder_of("mDeBERTa"))
    below = ("encoder.rel_embeddings.weight", "encoder.LayerNorm.weight", "encoder.LayerNorm.bias",
             "embeddings.word_embeddings.weight")  # fmt: skip
    assert depth == 2 and {layers[name] for name in below} == {0}
    assert layers["encoder.layer.1.output.dense.weight"] == 2


def test_layers_that_share_their_weights_have_no_rates_of_their_own(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "model", "albert", **SIZES | {"embedding_size": 16, "num_hidden_groups": 1})
    with pytest.raises(RequestError, match="layer_decay: a model of type 'albert' has no list of 2 layers"):
        run(folder, tmp_path, changed(PLAIN, layer_decay=0.9), PARTS["pair"])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_mean_of_the_last_checkpoints_is_kept(encoder: Path, tmp_path: Path, precision: str) -> None:
    """Averaging only looks on: the course of the run is the same."""
    recipe = changed(RECIPE, epochs=None, steps=9, average_last=3, average_every=2, precision=precision)
    seen: dict[int, dict[str, torch.Tensor]] = {}
    after = MeanOfLast.after

    def watched(self: MeanOfLast, step: int) -> dict[str, float]:
        seen[step] = {name: value.clone() for name, value in state.trained(self.model).items()}
        return after(self, step)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(MeanOfLast, "after", watched)
        facts = run(encoder, tmp_path / "mean", recipe, PARTS["pair"], savings=finetune.Savings(trimmed=False))
    assert facts["averaged_steps"] == [5, 7, 9]
    kept = weights(tmp_path / "mean" / "out")
    name = "encoder.layer.0.output.dense.weight"
    mean = sum(seen[step][f"encoder.{name}"] for step in (5, 7, 9)) / 3
    assert torch.allclose(kept[name], torch.as_tensor(mean), atol=1e-7)
    assert float((kept[name] - seen[9][f"encoder.{name}"]).abs().max()) > 1e-5
    last = changed(recipe, average_last=None, average_every=None)
    assert run(encoder, tmp_path / "last", last, PARTS["pair"])["losses"] == facts["losses"], "the course is the same"


def test_a_mean_resumes_to_the_same_and_takes_epochs(encoder: Path, tmp_path: Path) -> None:
    recipe = changed(RECIPE, epochs=4, average_last=3)
    assert run(encoder, tmp_path / "one", recipe, PARTS["pair"])["averaged_steps"] == [10, 15, 20]
    with pytest.raises(Killed):
        run(encoder, tmp_path / "two", recipe, PARTS["pair"], progress=killed_at(16), save_every=0.0)
    run(encoder, tmp_path / "two", recipe, PARTS["pair"])
    assert equal(tmp_path / "one" / "out", tmp_path / "two" / "out")
    with pytest.raises(RequestError, match=r"5 checkpoints every 5 steps need at least 21 steps, .* has 20"):
        run(encoder, tmp_path, changed(recipe, average_last=5), PARTS["pair"])


def test_attention_has_a_dropout_rate_of_its_own(encoder: Path, tmp_path: Path) -> None:
    def rates(**values: Any) -> tuple[float, float]:
        layer = checkpoints.load(encoder, **values).encoder.encoder.layer[0]  # type: ignore[union-attr,index]
        return layer.attention.self.dropout.p, layer.output.dropout.p  # type: ignore[union-attr,return-value]

    assert rates() == (0.1, 0.1) and rates(attention_dropout=0.0) == (0.0, 0.1)
    assert rates(dropout=0.3) == (0.3, 0.3) and rates(dropout=0.3, attention_dropout=0.2) == (0.2, 0.3)
    whole = run(encoder, tmp_path / "one", changed(PLAIN, dropout=None), PARTS["pair"])
    other = run(encoder, tmp_path / "two", changed(PLAIN, dropout=None, attention_dropout=0.0), PARTS["pair"])
    assert whole["losses"] != other["losses"]
    config = json.loads((tmp_path / "two" / "out" / "config.json").read_text())
    assert config["attention_probs_dropout_prob"] == 0.1, "a recipe's rates are not the checkpoint's"


def test_a_family_with_one_rate_for_all_says_so(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "model", "mt5", d_model=32, num_layers=2, num_heads=2, d_ff=64, d_kv=16)
    with pytest.raises(RequestError, match="model: 'mt5' has no dropout rate for attention alone; leave"):
        pretrained.load_encoder(folder, attention_dropout=0.0)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"label_smoothing": 1.0}, "less than 1"),
        ({"layer_decay": 1.1}, "less than or equal to 1"),
        ({"learning_rate": 0.01, "head_lr_factor": 100}, "learning_rate times head_lr_factor is 1; it must be below 1"),
        ({"average_last": 1}, "greater than or equal to 2"),
        ({"average_every": 5}, "average_every needs average_last"),
        ({"average_last": 3, "select": "best"}, "average_last needs select: last"),
        ({"average_last": 3, "average_every": 5}, "3 checkpoints every 5 steps need at least 11 steps, .* has 10"),
    ],
)
def test_values_that_cannot_be_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Recipe(steps=10, **values)
