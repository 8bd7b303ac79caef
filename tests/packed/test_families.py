"""Encoders of every family: what is computed without padding is what transformers computes with it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from perf.tiny_encoders import FAMILIES, encoder_of
from tests.training.test_finetune import equal
from tests.training.tiny import PAIR, RECIPE, Killed, killed_at, make_encoder, pair_rows
from xtransfer.kinds.batches import Batch, collate
from xtransfer.kinds.spec import Encoded
from xtransfer.models.pretrained import load_encoder
from xtransfer.models.unpadded import attention, cpu_attention, groups, routes
from xtransfer.models.unpadded.dropout import Dropout, dropped
from xtransfer.models.unpadded.forward import states
from xtransfer.models.unpadded.layout import layout
from xtransfer.models.unpadded.routes import Route
from xtransfer.training.finetune import Savings, finetune

torch.set_num_threads(1)
OWN = {"XLM-R", "BERT", "RoBERTa", "CamemBERT"}
PADDED = {"mDeBERTa", "RemBERT", "mT5", "umT5"}
ROUTES = {
    name: Route.BERT if name in OWN else Route.GROUPED if name in PADDED else Route.INTERFACE for name in FAMILIES
}
LENGTHS = (3, 11, 1, 40, 7, 30, 2, 41)  # ModernBERT's window has 17 tokens here
WORDS = 60
SMALL = {"vocab_size": WORDS, "pad_token_id": 1}
HEADS = [{"hidden_size": 64, "num_attention_heads": 2}, {"hidden_size": 60, "num_attention_heads": 3}]
TOKENS_PER_CALL = groups.tokens_per_call
CALL = 6.0  # tokens that a call costs, so that these batches are split


@pytest.fixture(autouse=True)
def split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "tokens_per_call", lambda encoder, device: CALL)


def batch(seed: int = 0, lengths: tuple[int, ...] = LENGTHS) -> Batch:
    draw = torch.Generator().manual_seed(seed)
    texts = [tuple(torch.randint(4, WORDS, (length,), generator=draw).tolist()) for length in lengths]
    return collate([Encoded((text,), None, 0) for text in texts], 1)


def check(model: Any, given: Batch) -> None:
    """States and gradients, with the whole loss over all real tokens, in evaluation and in training."""
    real = given.attention_mask.bool()
    width = model.config.hidden_size
    weights = torch.randn(*real.shape, width, generator=torch.Generator().manual_seed(1)) * real.unsqueeze(-1)

    def computed(packed: bool) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        model.zero_grad()
        found = states(model, given, packed=packed)
        (found * weights).sum().backward()
        gradients = {name: one.grad.clone() for name, one in model.named_parameters() if one.grad is not None}
        return found.detach()[real], gradients

    for training in (False, True):
        model.train(training)
        (ours, our_gradients), (theirs, their_gradients) = computed(True), computed(False)
        assert torch.allclose(ours, theirs, atol=5e-6)
        assert our_gradients.keys() == their_gradients.keys()
        for name, own in our_gradients.items():
            scale = float(their_gradients[name].abs().max())
            assert torch.allclose(own, their_gradients[name], atol=1e-5 + 1e-5 * scale), name


@pytest.mark.parametrize("name", FAMILIES)
def test_states_and_gradients_are_those_of_the_padded_encoder(name: str) -> None:
    model, given = encoder_of(name, **SMALL), batch()
    before = torch.random.get_rng_state()
    assert routes.route(model) is ROUTES[name]
    assert torch.equal(before, torch.random.get_rng_state()) and not model.training
    if ROUTES[name] is Route.GROUPED:
        assert len(groups.parts(given, CALL)) > 2
    check(model, given)
    firsts = states(model, given, first_only=True)
    assert torch.allclose(firsts[:, 0], states(model, given, packed=False)[:, 0], atol=5e-6)
    real = given.attention_mask.bool()
    for layer in range(3):
        theirs = states(model, given, layer=layer, packed=False)
        assert torch.allclose(states(model, given, layer=layer)[real], theirs[real], atol=5e-6)


@pytest.mark.parametrize("sizes", HEADS)
@pytest.mark.parametrize("name", ["ModernBERT, mmBERT", "EuroBERT", "GTE, mGTE"])
def test_head_sizes(name: str, sizes: dict[str, int]) -> None:
    shared = {"num_key_value_heads": 1} if name == "EuroBERT" else {}
    model = encoder_of(name, **{**SMALL, **sizes, **shared})
    assert routes.route(model) is Route.INTERFACE
    check(model, batch())


@pytest.mark.parametrize("name", FAMILIES)
def test_sequences_do_not_see_each_other(name: str) -> None:
    model, one, other = encoder_of(name, **SMALL), batch(), batch(seed=1)
    for number in (0, 5):
        other.input_ids[number] = one.input_ids[number]
    ours, theirs = states(model, one), states(model, other)
    for number, length in enumerate(LENGTHS):
        assert torch.equal(ours[number, :length], theirs[number, :length]) is (number in (0, 5))


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("name", FAMILIES)
def test_bf16_trains(name: str, dropout: float) -> None:
    model, given = encoder_of(name, dropout, **SMALL), batch()
    exact, rounded = states(model, given), states(model, given, precision="bf16")
    real = given.attention_mask.bool()
    assert rounded.dtype == torch.float32 and 1e-5 < (exact - rounded)[real].abs().max() < 0.2
    model.train()
    states(model, given, precision="bf16")[real].square().sum().backward()
    for parameter, value in model.named_parameters():
        assert value.grad is None or value.grad.isfinite().all(), parameter


@pytest.mark.parametrize("name", ["ModernBERT, mmBERT", "GTE, mGTE", "EuroBERT", "mDeBERTa"])
def test_100_steps_have_the_padded_losses_and_a_resumed_run_the_same_weights(name: str, tmp_path: Path) -> None:
    folder = make_encoder(tmp_path / "encoder")
    tokenizer = load_encoder(folder)[1]
    encoder_of(name, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id).save_pretrained(folder)
    recipe = RECIPE.model_copy(update={"epochs": None, "steps": 100, "dropout": 0.0, "learning_rate": 1e-3})
    parts = [(PAIR, [{**row, "second": row["second"] + " the a" * (n % 7)} for n, row in enumerate(pair_rows(64))])]

    def losses(where: str, **options: Any) -> list[float]:
        own = tmp_path / where
        facts = finetune(folder, parts, recipe, 0, own / "out", own / "state", **options)
        return [loss for _, loss in facts["losses"]]

    ours, theirs = losses("packed"), losses("padded", savings=Savings(packed=False))
    assert max(abs(one - other) for one, other in zip(ours, theirs, strict=True)) <= 1e-5
    assert max(ours) - min(ours) > 0.05, "losses that never move are equal for nothing"
    with pytest.raises(Killed):
        losses("resumed", progress=killed_at(60), save_every=0.01)
    losses("resumed")
    assert equal(tmp_path / "packed" / "out", tmp_path / "resumed" / "out")


@pytest.mark.parametrize("name", ["GTE, mGTE", "mDeBERTa"])
def test_dropout_is_drawn_with_16_bits(name: str) -> None:
    model = encoder_of(name, 0.25, **SMALL)
    routes.route(model)
    layers = [module for module in model.modules() if isinstance(module, torch.nn.Dropout)]
    assert layers and all(type(layer) is Dropout and layer.p == 0.25 for layer in layers)
    layer, given = layers[0], torch.ones(400, 100, dtype=torch.bfloat16)
    assert layer(given) is given  # in evaluation
    torch.manual_seed(0)
    found = layer.train()(given)
    assert found.dtype == torch.bfloat16 and abs(float((found == 0).float().mean()) - 0.25) < 0.01
    torch.manual_seed(0)
    assert torch.equal(found, dropped(given, 0.25).bfloat16())


def test_checkpointing_leaves_gradients_equal() -> None:
    model, given = encoder_of("ModernBERT, mmBERT", 0.2, **SMALL).train(), batch()

    def gradient() -> torch.Tensor:
        model.zero_grad()
        torch.manual_seed(0)
        states(model, given).square().sum().backward()
        return model.embeddings.tok_embeddings.weight.grad.clone()

    kept = gradient()
    model.activation_checkpointing_enable({"use_reentrant": False})
    assert torch.equal(gradient(), kept)


def test_a_model_that_computes_something_else_is_not_packed(caplog: pytest.LogCaptureFixture) -> None:
    """As one whose layers mix tokens outside of attention."""

    class Mixing(torch.nn.Linear):
        def forward(self, given: torch.Tensor) -> torch.Tensor:
            return super().forward(given + 0.1 * given.roll(1, -2))

    model = encoder_of("GTE, mGTE", **SMALL)
    assert routes.route(encoder_of("GTE, mGTE", **SMALL)) is Route.INTERFACE
    old: Any = model.layers[0].mlp.down_proj
    model.layers[0].mlp.down_proj = Mixing(old.in_features, old.out_features)
    routes._tell.cache_clear()
    with caplog.at_level(logging.INFO):
        assert routes.route(model) is Route.PADDED
    assert "batches of model family 'gte' are padded;" in caplog.text


@pytest.mark.parametrize("window", [1, 8, 200])
@pytest.mark.parametrize("kernel", [attention.attention, cpu_attention.attention])
def test_a_window_is_kept_within_each_sequence(kernel: Any, window: int) -> None:
    """Against a mask over all pairs of tokens, forwards and backwards."""
    plan = layout(LENGTHS, torch.device("cpu"), 16)
    tokens = sum(LENGTHS)
    draw = torch.Generator().manual_seed(0)
    projected = torch.randn(tokens + plan.filling, 3, 2, 8, generator=draw)
    weights = torch.randn(tokens, 2, 8, generator=draw)
    of = torch.repeat_interleave(torch.arange(len(LENGTHS)), plan.edges.diff())
    places = torch.arange(tokens)
    seen = (of[:, None] == of) & ((places[:, None] - places).abs() <= window)

    def whole(given: torch.Tensor) -> torch.Tensor:
        queries, keys, values = given[:tokens].permute(1, 2, 0, 3)
        return scaled_dot_product_attention(queries, keys, values, seen, scale=0.3).transpose(0, 1)

    found = []
    for compute in (lambda given: kernel(given, plan, 0.0, 0.3, window)[:tokens], whole):
        given = projected.clone().requires_grad_()
        contexts = compute(given)
        (contexts * weights).sum().backward()
        found.append((contexts.detach(), given.grad))
    for ours, theirs in zip(*found, strict=True):
        assert torch.allclose(ours, theirs, atol=2e-6)


def test_the_kernel_for_sequences_of_any_length_gets_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel of a GPU computes, by its documentation, in plain torch."""
    windows: list[tuple[int, int]] = []

    def varlen_attn(
        queries: Any, keys: Any, values: Any, edges: Any, *_: Any, scale: float, window_size: tuple[int, int]
    ) -> Any:
        windows.append(window_size)
        places = torch.arange(len(queries))
        of = torch.bucketize(places, edges, right=True)
        reach = window_size[0] if window_size[0] >= 0 else len(queries)
        seen = (of[:, None] == of) & ((places[:, None] - places).abs() <= reach)
        parts = (one.transpose(0, 1) for one in (queries, keys, values))
        return scaled_dot_product_attention(*parts, seen, scale=scale).transpose(0, 1)

    model, given = encoder_of("ModernBERT, mmBERT", **SMALL), batch()
    expected = states(model, given)
    monkeypatch.setattr(attention, "_has_varlen", lambda projected, dropout: True)
    monkeypatch.setattr(attention.varlen, "varlen_attn", varlen_attn)
    assert torch.allclose(states(model, given), expected, atol=5e-6)
    assert windows == [(-1, -1), (8, 8)]  # a global layer and a local one


@pytest.mark.parametrize("per_call", [0.0, 1.0, 30.0, 1e6, float("inf")])
def test_groups_cost_the_least(per_call: float) -> None:
    """Against every way to cut the sorted lengths."""
    lengths = [5, 9, 9, 2, 7, 30, 1, 31]
    found = groups.partition(lengths, per_call)
    assert sorted(index for group in found for index in group) == list(range(len(lengths)))

    def cost(parts: list[list[int]]) -> float:
        return sum(len(part) * max(part) + per_call for part in parts)

    in_order = sorted(lengths, reverse=True)
    ways = []
    for cuts in range(2 ** (len(lengths) - 1)):
        parts = [[in_order[0]]]
        for place, length in enumerate(in_order[1:]):
            if cuts >> place & 1:
                parts.append([])
            parts[-1].append(length)
        ways.append(cost(parts))
    assert cost([[lengths[index] for index in group] for group in found]) == min(ways)


def test_only_a_cpu_splits_batches() -> None:
    model, given = encoder_of("mDeBERTa", **SMALL), batch()
    (part, indices), *others = groups.parts(given, TOKENS_PER_CALL(model, torch.device("cuda")), 16)
    assert not others and indices.tolist() == list(range(len(LENGTHS))) and torch.equal(part.input_ids, given.input_ids)
    assert 24 < TOKENS_PER_CALL(model, torch.device("cpu")) < float("inf")
