from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from transformers import XLMRobertaConfig, XLMRobertaModel

from tests.kinds.words import WORDS, tokenizer
from xtransfer.base.errors import RequestError
from xtransfer.benchmarks import get
from xtransfer.benchmarks.spec import Row
from xtransfer.kinds import choice, pair
from xtransfer.models import pooling
from xtransfer.models import predict as module
from xtransfer.models.predict import RowEncoder, predict, predict_languages
from xtransfer.models.unpadded import forward
from xtransfer.models.unpadded.routes import Route
from xtransfer.recipes.pooling import Pooling


class Letters(nn.Module):
    """States that are the token's one-hot vector at the last layer, its double at layer 0."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **options: Any) -> Any:
        states = nn.functional.one_hot(input_ids, 12).float()
        return SimpleNamespace(last_hidden_state=states, hidden_states=(states * 2, states))


@pytest.fixture(scope="module")
def encoder() -> XLMRobertaModel:
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=12,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=40,
        type_vocab_size=1,
        hidden_dropout_prob=0.5,
    )
    return XLMRobertaModel(config, add_pooling_layer=False)


def _pairs(count: int) -> list[Row]:
    return [
        {
            "id": str(n),
            "group": str(n),
            "first": " ".join(WORDS[: n % 8 + 1]),
            "second": WORDS[n % 5],
            "label": 0,
        }
        for n in range(count)
    ]


def _head(benchmark: str, width: int = 16) -> Any:
    torch.manual_seed(1)
    make = pair.head if get(benchmark).kind == "pair" else choice.head
    head = make(width, get(benchmark), 0.5)
    nn.init.normal_(head.out_proj.weight)
    return head


def test_batches_leave_the_predictions_equal_and_in_order(
    encoder: XLMRobertaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, head = _pairs(30), _head("lab-nli")
    together = predict(encoder, head, get("lab-nli"), rows, RowEncoder(tokenizer(), 32))
    monkeypatch.setitem(module.TOKENS_PER_BATCH, "cpu", 1)
    alone = predict(encoder, head, get("lab-nli"), rows, RowEncoder(tokenizer(), 32))
    assert [one.value for one in together] == [one.value for one in alone]
    for one, other in zip(together, alone, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-5)
    assert len({one.scores for one in together}) > 5


def test_bf16_is_near_and_not_the_same(encoder: XLMRobertaModel) -> None:
    rows, head = _pairs(12), _head("lab-nli")
    exact = predict(encoder, head, get("lab-nli"), rows, RowEncoder(tokenizer(), 32))
    rounded = predict(encoder, head, get("lab-nli"), rows, RowEncoder(tokenizer(), 32), precision="bf16")
    apart = max(
        abs(a - b)
        for one, other in zip(exact, rounded, strict=True)
        for a, b in zip(one.scores, other.scores, strict=True)
    )
    assert 1e-6 < apart < 0.1


def test_in_bf16_only_the_encoder_rounds(encoder: XLMRobertaModel) -> None:
    """Logits and similarities keep fp32: rounded to 8 bits, labels of a row and candidates of a pool would tie."""
    rows, head = _pairs(40), _head("lab-nli")
    found = predict(encoder, head, get("lab-nli"), rows, RowEncoder(tokenizer(), 32), precision="bf16")
    logits = torch.tensor([one.scores for one in found])
    assert not torch.equal(logits, logits.bfloat16().float())
    pool = [
        {
            "id": str(n),
            "group": str(n),
            "source": f"{WORDS[n % 5]} {WORDS[n // 5]}",
            "target": f"{WORDS[n % 5]} {WORDS[0]}",
        }
        for n in range(25)
    ]
    benchmark = get("lab-retrieval")
    best = [
        one.scores[0] for one in predict(encoder, None, benchmark, pool, RowEncoder(tokenizer(), 32), precision="bf16")
    ]
    assert best and not torch.equal(torch.tensor(best), torch.tensor(best).bfloat16().float())


def test_packed_logits_are_the_padded_ones(encoder: XLMRobertaModel, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, head = _pairs(30), _head("lab-nli")
    packed = predict(encoder, head, get("lab-nli"), rows, RowEncoder(tokenizer(), 32))
    monkeypatch.setattr(forward, "route", lambda encoder: Route.PADDED)
    padded = predict(encoder, head, get("lab-nli"), rows, RowEncoder(tokenizer(), 32))
    for one, other in zip(packed, padded, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-6)


def test_modes_are_put_back_and_dropout_is_off(encoder: XLMRobertaModel) -> None:
    rows, head = _pairs(5), _head("lab-nli")
    encoder.train()
    head.eval()
    first = predict(encoder, head, get("lab-nli"), rows, RowEncoder(tokenizer(), 32))
    assert first == predict(encoder, head, get("lab-nli"), rows, RowEncoder(tokenizer(), 32))
    assert encoder.training
    assert not head.training


def test_languages_share_batches_and_keep_their_rows(encoder: XLMRobertaModel) -> None:
    rows, head = _pairs(12), _head("lab-nli")
    seen: list[tuple[int, int]] = []

    def progress(message: str, done: int, total: int, metrics: object = None) -> None:
        seen.append((done, total))

    found = predict_languages(
        encoder,
        head,
        get("lab-nli"),
        {"de": rows[:5], "sw": [], "tr": rows[5:]},
        RowEncoder(tokenizer(), 32),
        progress=progress,
    )
    alone = predict(encoder, head, get("lab-nli"), rows, RowEncoder(tokenizer(), 32))
    assert [one.value for one in found["de"] + found["tr"]] == [one.value for one in alone]
    assert found["sw"] == []
    assert seen == [(12, 12)]


def test_options_of_different_numbers(encoder: XLMRobertaModel) -> None:
    row = {"id": "0", "group": "0", "context": "a", "question": "cause", "choices": ["b", "c"], "label": 0}
    rows = [row, {**row, "choices": ["d", "e", "f g"]}]
    two, three = predict(encoder, _head("lab-copa"), get("lab-copa"), rows, RowEncoder(tokenizer(), 32))
    assert (len(two.scores), len(three.scores)) == (2, 3)
    assert two.value == max(range(2), key=lambda place: two.scores[place])


def test_retrieval_pools_all_tokens_and_takes_the_nearest() -> None:
    texts = [("a a b", "a b"), ("c", "c d"), ("e", "c e")]
    rows = [{"id": name, "source": text, "target": other} for name, (text, other) in zip("xyz", texts, strict=True)]
    found = predict(Letters(), None, get("lab-retrieval"), rows, RowEncoder(tokenizer(), 32))
    assert [one.value for one in found] == ["x", "y", "z"]
    # <s> a a b </s> against <s> a b </s>: (1 + 2 + 1 + 1) / (sqrt(1 + 4 + 1 + 1) * sqrt(4))
    assert found[0].scores[0] == pytest.approx(5 / (7**0.5 * 2))


def test_retrieval_compares_within_a_language_at_the_layer_asked_for() -> None:
    german = [{"id": "0", "source": "a", "target": "b"}]
    turkish = [{"id": "1", "source": "b", "target": "a"}]
    rows = {"de": german, "tr": turkish}
    found = predict_languages(
        Letters(), None, get("lab-retrieval"), rows, RowEncoder(tokenizer(), 32), pooling=Pooling(layer=0)
    )
    assert [found["de"][0].value, found["tr"][0].value] == ["0", "1"]
    with pytest.raises(RequestError, match=r"layer 2 does not exist: the encoder has layers 0 \(embeddings\) to 1"):
        predict_languages(
            Letters(), None, get("lab-retrieval"), rows, RowEncoder(tokenizer(), 32), pooling=Pooling(layer=2)
        )


def test_a_kind_that_needs_a_head_says_so(encoder: XLMRobertaModel) -> None:
    with pytest.raises(RequestError, match="kind 'pair' needs a trained head"):
        predict(encoder, None, get("lab-nli"), _pairs(1), RowEncoder(tokenizer(), 32))


def _holding(monkeypatch: pytest.MonkeyPatch, sequences: int, error: Exception) -> list[int]:
    """Lets a device hold so many sequences at once; returns the sizes of the batches that fitted."""
    seen: list[int] = []
    true_states = forward.states

    def guarded(encoder: Any, batch: Any, **options: Any) -> torch.Tensor:
        if len(batch.lengths) > sequences:
            raise error
        seen.append(len(batch.lengths))
        return true_states(encoder, batch, **options)

    monkeypatch.setattr(module, "states", guarded)
    monkeypatch.setattr(pooling, "states", guarded)
    return seen


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
@pytest.mark.parametrize("benchmark", ["lab-nli", "lab-retrieval"])
def test_out_of_memory_halves_the_batches_and_leaves_the_predictions_equal(
    encoder: XLMRobertaModel,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    benchmark: str,
    error: Exception,
) -> None:
    pool = [{"id": str(n), "source": WORDS[n % 8], "target": " ".join(WORDS[: n % 7 + 1])} for n in range(30)]
    rows, head = (_pairs(30), _head(benchmark)) if benchmark == "lab-nli" else (pool, None)
    dones: list[int] = []
    whole = predict(encoder, head, get(benchmark), rows, RowEncoder(tokenizer(), 32))
    seen = _holding(monkeypatch, 8, error)
    parts = predict(
        encoder,
        head,
        get(benchmark),
        rows,
        RowEncoder(tokenizer(), 32),
        progress=lambda _, done, *__: dones.append(done),
    )
    assert [one.value for one in parts] == [one.value for one in whole]
    for one, other in zip(parts, whole, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-5)
    assert len(seen) >= 4 and max(seen) <= 8 and dones == sorted(set(dones)) and dones[-1] == 30
    said = [record.message for record in caplog.records]
    assert said[0] == "out of memory with 30 rows: computing batches of half the size from now on"
    _holding(monkeypatch, 0, error)
    with pytest.raises(RequestError, match="out of memory with a single row; lower max_length"):
        predict(encoder, head, get(benchmark), rows, RowEncoder(tokenizer(), 32))
    _holding(monkeypatch, 0, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1"):
        predict(encoder, head, get(benchmark), rows, RowEncoder(tokenizer(), 32))
