"""Batches in parts: the same step in less memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import XLMRobertaConfig, XLMRobertaModel

from xtransfer.base.errors import RequestError
from xtransfer.base.out_of_memory import is_out_of_memory
from xtransfer.kinds.batches import Batch, collate
from xtransfer.kinds.spec import Encoded
from xtransfer.models.unpadded import bert, forward, layout
from xtransfer.training import finetune
from xtransfer.training.estimate import Shape, activations, fitting, free_bytes
from xtransfer.training.parts import TrainingMixture

from .test_finetune import changed, equal, run
from .test_language import TEXT, text_rows
from .test_tags import TAGS, tag_rows
from .tiny import CHOICE, PAIR, RECIPE, Killed, choice_rows, killed_at, pair_rows

PARTS: dict[str, Any] = {
    "pair": [(PAIR, pair_rows(40))],
    "choice": [(CHOICE, choice_rows(24))],
    "tags": [(TAGS, tag_rows(40))],
    "mlm": [(TEXT, text_rows(40))],
}
PLAIN = changed(RECIPE, epochs=None, steps=6, dropout=0.0)
LARGE = Shape(layers=24, hidden=1024, heads=16, inner=4096)


class Small:
    """A device that holds so many rows at once, or more with activation checkpointing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, rows: int, checkpointing_rows: int = 0) -> None:
        self.seen: list[int] = []
        loss = finetune.Model.loss

        def guarded(model: finetune.Model, named: Any) -> torch.Tensor:
            now = len(named[1].sizes)
            holds = checkpointing_rows if model.encoder.is_activation_checkpointing else rows  # type: ignore[union-attr]
            if now > holds:
                loss(model, named).backward()  # gradients of a try that fails are not to be seen
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            self.seen.append(now)
            return loss(model, named)

        monkeypatch.setattr(finetune.Model, "loss", guarded)


@pytest.mark.parametrize("kind", PARTS)
def test_halves_and_goes_on_with_the_same_result(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    whole = run(encoder, tmp_path / "whole", PLAIN, PARTS[kind])
    small = Small(monkeypatch, rows=2)
    facts = run(encoder, tmp_path / "parts", PLAIN, PARTS[kind])
    assert facts["steps"] == 6 and set(small.seen) == {2}
    for (_, one), (_, other) in zip(whole["losses"], facts["losses"], strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    said = [record.message for record in caplog.records if "out of memory" in record.message]
    assert [message.partition("micro-batches of ")[2][:1] for message in said] == ["4", "2"]


@pytest.mark.parametrize("kind", PARTS)
def test_gradients_of_the_parts_add_up_to_those_of_the_batch(encoder: Path, kind: str) -> None:
    """Parts of three rows; of tags, rows of few words and many: the loss is the mean over all words of the batch."""

    def gradients(rows: int) -> tuple[float, dict[str, torch.Tensor]]:
        mixed = TrainingMixture.of(PARTS[kind], finetune.PROPORTIONAL, ())
        own = finetune.Run(encoder, mixed, PLAIN, 0, "cpu", None, finetune.Savings())
        micro_batcher = own.micro_batcher()
        micro_batcher.rows = rows
        loss = micro_batcher(own.model.loss, next(own.batches(1)))
        return float(loss), {name: value.grad for name, value in own.model.named_parameters() if value.grad is not None}

    (whole, ours), (parts, theirs) = gradients(8), gradients(3)
    assert whole == pytest.approx(parts, abs=1e-6)
    assert ours.keys() == theirs.keys()
    assert max(float((value - theirs[name]).abs().max()) for name, value in ours.items()) < 1e-6


def test_a_try_after_kills_for_want_of_memory_begins_with_less(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each kill halves once: what a saved state was told of already is not halved again."""
    whole = run(encoder, tmp_path / "whole", PLAIN, PARTS["pair"])
    small = Small(monkeypatch, rows=8, checkpointing_rows=8)
    with pytest.raises(Killed):
        run(encoder, tmp_path / "one", PLAIN, PARTS["pair"], progress=killed_at(1), save_every=0.0, memory_kills=1)
    assert set(small.seen) == {4} and "using micro-batches of 4 rows" in caplog.text
    small.seen.clear()
    facts = run(encoder, tmp_path / "one", PLAIN, PARTS["pair"], memory_kills=2)
    assert set(small.seen) == {2}
    for (_, one), (_, other) in zip(whole["losses"], facts["losses"], strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    small.seen.clear()
    run(encoder, tmp_path / "five", PLAIN, PARTS["pair"], memory_kills=5)
    assert set(small.seen) == {1} and "activation checkpointing" in caplog.text


def test_one_row_that_does_not_fit_is_computed_twice(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole = run(encoder, tmp_path / "whole", PLAIN, PARTS["pair"])
    Small(monkeypatch, rows=0, checkpointing_rows=1)
    parts = run(encoder, tmp_path / "parts", PLAIN, PARTS["pair"])
    assert "activation checkpointing" in caplog.text
    for (_, one), (_, other) in zip(whole["losses"], parts["losses"], strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_what_never_fits_is_said(encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Small(monkeypatch, rows=0)
    with pytest.raises(RequestError, match=r"out of memory with a single row; lower max_length"):
        run(encoder, tmp_path, PLAIN, PARTS["pair"])


def test_a_resumed_run_begins_with_parts_of_the_same_size(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = changed(RECIPE, epochs=None, steps=60)  # with dropout: each part draws for itself

    with monkeypatch.context() as patched:
        Small(patched, rows=3)
        run(encoder, tmp_path / "one", recipe, PARTS["pair"])
        with pytest.raises(Killed):
            run(encoder, tmp_path / "two", recipe, PARTS["pair"], progress=killed_at(20), save_every=0.01)
    run(encoder, tmp_path / "two", recipe, PARTS["pair"])
    assert equal(tmp_path / "one" / "out", tmp_path / "two" / "out")


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    assert is_out_of_memory(MemoryError()) and is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"))
    assert is_out_of_memory(RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported later"))
    for said in ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
                 "CUDA error: HIPBLAS_STATUS_ALLOC_FAILED when calling `hipblasCreate(handle)`",
                 "HIP error: out of memory"):  # fmt: skip
        assert is_out_of_memory(RuntimeError(said))
    assert is_out_of_memory(OSError(12, "Cannot allocate memory")) and not is_out_of_memory(OSError("no such file"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


@pytest.mark.parametrize("lengths", [(64,) * 8, (64,) * 7 + (63,)])
def test_the_estimate_is_near_what_autograd_keeps(lengths: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """As a GPU keeps it: one bucket, a fused kernel for attention (a processor's has no dropout of weights), and masks
    of dropout that are single bytes. Each tensor that is saved counts once, without the parameters."""
    monkeypatch.setattr(layout, "LEAST_FILLED", {})
    monkeypatch.setattr(bert, "dropped", lambda given, rate: torch.ops.aten.native_dropout(given, rate, True)[0])

    def kept(layers: int) -> int:
        config = XLMRobertaConfig(
            vocab_size=50,
            hidden_size=64,
            num_hidden_layers=layers,
            num_attention_heads=4,
            intermediate_size=256,
            max_position_embeddings=70,
            hidden_dropout_prob=0.1,
            attention_probs_dropout_prob=0.0,
        )
        model = XLMRobertaModel(config, add_pooling_layer=False).train()
        return _kept(model, collate([Encoded(((3,) * length,), None, 0) for length in lengths], 1))

    one, three = (activations(Shape(layers, 64, 4, 256), 8, 64) for layers in (1, 3))
    assert three - one == pytest.approx(kept(3) - kept(1), rel=0.07)
    assert three == pytest.approx(kept(3), rel=0.1)


def _kept(model: XLMRobertaModel, batch: Batch) -> int:
    """Bytes that autograd saves for the backward pass of a batch."""
    kept: dict[int, int] = {}
    own = {value.untyped_storage().data_ptr() for value in model.parameters()}
    held = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
            held.append(tensor)  # so that no address is used again
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        forward.states(model, batch).sum()
    return sum(kept.values())


def test_xlmr_large_with_32_rows_of_128_tokens_on_24_gigabytes() -> None:
    """Arithmetic, not a measurement: 560 million parameters in fp32 take 16 bytes each."""
    parameters = 560e6
    kept = activations(LARGE, 32, 128)
    assert kept == 24 * (32 * 128 * (38 * 1024 + 8 * 4096 + 4 * 16) + 12 * 1024**2) == pytest.approx(7.36e9, rel=0.01)
    free = 24e9 - 16 * parameters
    assert fitting(LARGE, 32, 128, free) == (32, False)
    assert fitting(LARGE, 32, 512, free) == (8, False)
    assert fitting(LARGE, 32, 128, 8e9) == (16, False)
    assert activations(LARGE, 1, 512, checkpointing=True) < 0.2e9 < activations(LARGE, 1, 512)
    assert fitting(LARGE, 32, 512, 0.3e9) == (1, True)


def test_memory_that_torch_holds_unused_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2_000, 24_000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 20_000)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 5_000)
    assert free_bytes("cuda:0") == 17_000 and free_bytes("cpu") == float("inf")


def test_a_run_resumed_on_other_hardware_finds_its_own_size(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        Small(patched, rows=2)
        patched.setattr(finetune, "hardware", lambda device: "a small GPU")
        with pytest.raises(Killed):
            run(encoder, tmp_path, PLAIN, PARTS["pair"], progress=killed_at(3), save_every=0.0)
    large = Small(monkeypatch, rows=8)
    run(encoder, tmp_path, PLAIN, PARTS["pair"])
    assert large.seen and set(large.seen) == {8}
