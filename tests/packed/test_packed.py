"""Packed encoders give what padded ones give, sequence by sequence."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    CamembertConfig,
    CamembertModel,
    DebertaV2Config,
    DebertaV2Model,
    FNetConfig,
    FNetModel,
    MT5Config,
    MT5EncoderModel,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from xtransfer.base.errors import RequestError
from xtransfer.kinds.batches import Batch, collate
from xtransfer.kinds.spec import Encoded
from xtransfer.models.unpadded import attention, forward, groups, routes
from xtransfer.models.unpadded.bert import FAMILIES
from xtransfer.models.unpadded.forward import states
from xtransfer.models.unpadded.layout import layout

torch.set_num_threads(1)
MODELS: dict[str, tuple[Any, Any]] = {
    "bert": (BertConfig, BertModel),
    "camembert": (CamembertConfig, CamembertModel),
    "roberta": (RobertaConfig, RobertaModel),
    "xlm-roberta": (XLMRobertaConfig, XLMRobertaModel),
}
LENGTHS = (3, 11, 1, 11, 7, 30, 2, 8, 29)


def encoder(family: str, dropout: float = 0.0) -> Any:
    config, model = MODELS[family]
    torch.manual_seed(0)
    made = model(
        config(
            vocab_size=50,
            hidden_size=16,
            num_hidden_layers=3,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=40,
            type_vocab_size=2,
            pad_token_id=1,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=dropout,
            initializer_range=0.3,
        ),
        add_pooling_layer=False,
    )
    return made.eval()


def batch(types: bool = False, lengths: tuple[int, ...] = LENGTHS, seed: int = 0) -> Batch:
    """Sequences in rows of one, two, …; a padding id may stand inside of a text."""
    draw = torch.Generator().manual_seed(seed)
    sequences = [tuple(torch.randint(2, 50, (length,), generator=draw).tolist()) for length in lengths]
    sequences[1] = (*sequences[1][:4], 1, *sequences[1][5:])
    segments = [tuple(int(place > 2) for place in range(len(one))) for one in sequences] if types else None
    return collate([Encoded((one,), (segments[n],) if segments else None, 0) for n, one in enumerate(sequences)], 1)


def test_every_family_that_is_declared_is_tested() -> None:
    assert set(MODELS) == set(FAMILIES)


@pytest.mark.parametrize("types", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_states_are_those_of_the_padded_encoder(family: str, types: bool) -> None:
    model, given = encoder(family), batch(types)
    real = given.attention_mask.bool()
    whole = model(**given.inputs(), output_hidden_states=True)
    assert torch.allclose(states(model, given)[real], whole.last_hidden_state[real], atol=2e-6)
    assert not states(model, given)[~real].any()
    firsts = states(model, given, first_only=True)
    assert firsts.shape == (len(LENGTHS), 1, 16)
    assert torch.allclose(firsts[:, 0], whole.last_hidden_state[:, 0], atol=2e-6)
    for number, expected in enumerate(whole.hidden_states):
        assert torch.allclose(states(model, given, layer=number)[real], expected[real], atol=2e-6)
        firsts = states(model, given, layer=number, first_only=True)
        assert torch.allclose(firsts[:, 0], expected[:, 0], atol=2e-6)
    with pytest.raises(RequestError, match=r"layer 4 does not exist: the encoder has layers 0 \(embeddings\) to 3"):
        states(model, given, layer=4)


@pytest.mark.parametrize("first_only", [False, True])
def test_gradients_are_those_of_the_padded_encoder(first_only: bool) -> None:
    model, given = encoder("xlm-roberta").train(), batch()
    weights = torch.randn(len(LENGTHS), max(LENGTHS), 16, generator=torch.Generator().manual_seed(1))
    weights = weights * given.attention_mask.unsqueeze(-1)
    weights = weights[:, :1] if first_only else weights

    def gradients(packed: bool) -> dict[str, torch.Tensor]:
        model.zero_grad()
        found = states(model, given, first_only=first_only, packed=packed)
        (found[:, : weights.shape[1]] * weights).sum().backward()
        return {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}

    ours, theirs = gradients(True), gradients(False)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert torch.allclose(value, theirs[name], atol=2e-5), name


def test_sequences_do_not_see_each_other() -> None:
    """Flattened input with positions that begin anew is the trap: transformers' SDPA lets everything see all."""
    model, one, other = encoder("xlm-roberta"), batch(), batch(seed=1)
    same = Batch(**{**vars(other), "input_ids": other.input_ids.clone()})
    same.input_ids[0] = one.input_ids[0]
    assert not torch.equal(one.input_ids, same.input_ids)
    assert torch.equal(states(model, one)[0], states(model, same)[0])

    def flattened(given: Batch) -> torch.Tensor:
        real = given.attention_mask.bool()
        places = torch.cat([torch.arange(2, 2 + length) for length in given.lengths])
        found = model(input_ids=given.input_ids[real][None], position_ids=places[None]).last_hidden_state
        return found[0, : given.lengths[0]]

    assert (flattened(one) - flattened(same)).abs().max() > 1e-3, "the trap is gone: this test shows nothing any more"


def test_dropout_of_attention_weights_is_that_of_the_encoder() -> None:
    model, given = encoder("xlm-roberta", dropout=0.5), batch()
    assert torch.equal(states(model, given), states(model, given))
    model.train()
    torch.manual_seed(0)
    one = states(model, given)
    assert not torch.allclose(one, states(model, given))
    queries, keys = torch.randn(sum(LENGTHS), 2, 8), torch.randn(sum(LENGTHS), 2, 8)
    plan = layout(LENGTHS, torch.device("cpu"))
    projected = torch.stack((queries, keys, torch.ones_like(keys)), 1)
    kept = torch.stack([attention.attention(projected, plan, 0.5, 0.1) for _ in range(400)])
    assert kept.std() > 0.1
    assert (kept.mean(0) - 1).abs().max() < 0.3  # what is kept is scaled up: the mean stays


def test_an_encoder_that_cannot_be_packed_is_padded_in_groups_and_that_is_told_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "tokens_per_call", lambda encoder, device: 1.0)
    torch.manual_seed(0)
    small = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    deberta = DebertaV2Model(DebertaV2Config(**small, intermediate_size=32, pad_token_id=1)).eval()
    mt5 = MT5EncoderModel(MT5Config(vocab_size=50, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2)).eval()
    fnet = FNetModel(FNetConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1, intermediate_size=32)).eval()
    routes._tell.cache_clear()
    given = batch()
    real = given.attention_mask.bool()
    with caplog.at_level(logging.INFO):
        for model in (deberta, mt5, deberta, mt5):
            expected = model(**given.inputs()).last_hidden_state
            assert torch.allclose(states(model, given)[real], expected[real], atol=2e-6)
        mixed = states(fnet, given)  # it mixes padding into texts, so how far they are padded is part of the model
    assert torch.equal(mixed, fnet(**given.inputs()).last_hidden_state)
    assert [record.message.partition(";")[0] for record in caplog.records] == [
        "batches of model family 'deberta-v2' are padded in groups of similar length",
        "batches of model family 'mt5' are padded in groups of similar length",
        "batches of model family 'fnet' are padded",
    ]


def test_checkpointing_leaves_states_and_gradients_equal() -> None:
    model, given = encoder("xlm-roberta", dropout=0.3).train(), batch()

    def gradient() -> torch.Tensor:
        model.zero_grad()
        torch.manual_seed(0)
        states(model, given).square().sum().backward()
        return model.embeddings.word_embeddings.weight.grad.clone()

    kept = gradient()
    model.activation_checkpointing_enable({"use_reentrant": False})
    assert torch.equal(gradient(), kept)


def test_the_kernel_for_sequences_of_any_length_is_told_where_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the kernel of a GPU computes, by its documentation, in plain torch."""

    def varlen_attn(
        queries: Any,
        keys: Any,
        values: Any,
        of_q: Any,
        of_k: Any,
        max_q: int,
        max_k: int,
        *,
        scale: float,
        window_size: tuple[int, int],
    ) -> Any:
        assert window_size == (-1, -1)
        assert of_q.dtype == of_k.dtype == torch.int32
        assert of_q.diff().max() == max_q and of_k.diff().max() == max_k
        found = []
        for number in range(len(of_q) - 1):
            q = queries[of_q[number] : of_q[number + 1]].transpose(0, 1)
            k, v = (one[of_k[number] : of_k[number + 1]].transpose(0, 1) for one in (keys, values))
            found.append(((q @ k.mT * scale).softmax(-1) @ v).transpose(0, 1))
        return torch.cat(found)

    model, given = encoder("xlm-roberta"), batch()
    expected = states(model, given)
    monkeypatch.setattr(attention, "_has_varlen", lambda projected, dropout: True)
    monkeypatch.setattr(attention.varlen, "varlen_attn", varlen_attn)
    assert torch.allclose(states(model, given), expected, atol=2e-6)


def test_one_bucket_of_all_sequences_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a device without a bound on padding does."""
    model, given = encoder("xlm-roberta"), batch()
    expected = states(model, given)
    monkeypatch.setattr("xtransfer.models.unpadded.layout.LEAST_FILLED", {})
    (bucket,) = layout(LENGTHS, torch.device("cpu")).buckets
    assert bucket.shape == (len(LENGTHS), max(LENGTHS))
    assert torch.allclose(states(model, given), expected, atol=2e-6)


def test_filling_is_read_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    model, given = encoder("xlm-roberta").train(), batch()

    def found(multiple: int, first_only: bool) -> tuple[torch.Tensor, torch.Tensor]:
        monkeypatch.setattr(forward, "_multiple", lambda device: multiple)
        model.zero_grad()
        reached = states(model, given, first_only=first_only)
        reached.square().sum().backward()
        return reached.detach(), model.embeddings.word_embeddings.weight.grad.clone()

    assert layout(LENGTHS, torch.device("cpu"), 64).filling == -sum(LENGTHS) % 64 > 0
    for first_only in (False, True):
        (plain, gradient), (filled, its_gradient) = found(1, first_only), found(64, first_only)
        assert torch.allclose(plain, filled, atol=2e-6)
        assert torch.allclose(gradient, its_gradient, atol=1e-5)


def test_bf16_is_near_fp32() -> None:
    model, given = encoder("xlm-roberta"), batch()
    exact = states(model, given)
    rounded = states(model, given, precision="bf16")
    apart = (exact - rounded).abs().max()
    assert 1e-5 < apart < 0.1
