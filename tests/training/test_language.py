"""Masked language modelling on the way to a target, alone and in a mixture with labelled rows."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

from xtransfer.base.errors import RequestError
from xtransfer.benchmarks.spec import Benchmark, Row, Source
from xtransfer.models import checkpoints
from xtransfer.models.predict import RowEncoder, predict
from xtransfer.models.pretrained import quiet
from xtransfer.training.finetune import finetune

from .test_finetune import accuracy, changed, equal
from .tiny import COLD, PAIR, RECIPE, THINGS, WARM, Killed, killed_at, pair_rows

TEXT = Benchmark("words", "mlm", ("en",), Source("test"), {}, "")


def text_rows(count: int, seed: int = 0) -> list[Row]:
    """Texts of which each word tells the others: a colour always stands before the same thing."""
    rng = random.Random(seed)
    pairs = list(zip(WARM + COLD, THINGS, strict=True))
    texts = [" ".join(f"the {colour} {thing}" for colour, thing in rng.sample(pairs, 3)) for _ in range(count)]
    return [{"id": str(number), "group": str(number), "text": text} for number, text in enumerate(texts)]


def test_a_mixture_with_labelled_rows(encoder: Path, tmp_path: Path) -> None:
    parts = [(PAIR, pair_rows(96)), (TEXT, text_rows(16))]  # with more, so small a model learns the words alone
    facts = finetune(encoder, parts, changed(RECIPE, epochs=10), 0, tmp_path / "out", tmp_path / "state")
    assert facts["steps"] == 10 * (12 + 2) and facts["degenerate"] is None
    assert facts["heads"] == {"colours": "fresh", "words": "fresh"}
    assert accuracy(tmp_path / "out", PAIR, pair_rows(40, seed=1)) > 0.9
    again = checkpoints.load(tmp_path / "out")
    with pytest.raises(RequestError, match="words: kind 'mlm' is for training only"):
        predict(again.encoder, again.head_for(TEXT), TEXT, text_rows(2), RowEncoder(again.tokenizer, 24))


def test_learns_alone_and_goes_on(encoder: Path, tmp_path: Path) -> None:
    recipe = changed(RECIPE, epochs=30, batch_size=16)
    facts = finetune(encoder, [(TEXT, text_rows(64))], recipe, 0, tmp_path / "one", tmp_path / "state")
    assert facts["degenerate"] is None
    assert facts["loss_last"] < 0.6 * facts["loss_first"]
    names = set(load_file(tmp_path / "one" / "head.safetensors"))
    own = {"dense.weight", "dense.bias", "layer_norm.weight", "layer_norm.bias", "bias"}
    assert names == {f"words/{name}" for name in own}, "the embeddings are the encoder's"
    on = changed(recipe, epochs=None, steps=10, head="carry", learning_rate=1e-9)
    more = finetune(tmp_path / "one", [(TEXT, text_rows(64))], on, 1, tmp_path / "two", tmp_path / "state")
    assert more["heads"] == {"words": "carried from words"}
    assert more["loss_first"] < 0.7 * facts["loss_first"]


def test_same_seed_same_masks_also_after_a_kill(encoder: Path, tmp_path: Path) -> None:
    parts = [(TEXT, text_rows(48))]
    finetune(encoder, parts, RECIPE, 0, tmp_path / "one", tmp_path / "state-one")
    with pytest.raises(Killed):
        finetune(encoder, parts, RECIPE, 0, tmp_path / "two", tmp_path / "state", killed_at(20), save_every=0.01)
    finetune(encoder, parts, RECIPE, 0, tmp_path / "two", tmp_path / "state")
    assert equal(tmp_path / "one", tmp_path / "two")
    finetune(encoder, parts, RECIPE, 1, tmp_path / "other", tmp_path / "state-other")
    assert not equal(tmp_path / "one", tmp_path / "other")


def test_frozen_embeddings_stay_though_they_are_predicted_with(encoder: Path, tmp_path: Path) -> None:
    recipe = changed(RECIPE, freeze_embeddings=True, epochs=1)
    finetune(encoder, [(TEXT, text_rows(48))], recipe, 0, tmp_path / "out", tmp_path / "state")
    before, after = load_file(encoder / "model.safetensors"), load_file(tmp_path / "out" / "model.safetensors")
    name = "embeddings.word_embeddings.weight"
    assert torch.equal(before[name], after[name])
    moved = load_file(tmp_path / "out" / "head.safetensors")["words/bias"]
    assert moved.abs().sum() > 0


def test_starts_from_the_head_that_the_encoder_was_pretrained_with(encoder: Path, tmp_path: Path) -> None:
    loaded = checkpoints.load(encoder)
    torch.manual_seed(3)
    whole = XLMRobertaForMaskedLM(XLMRobertaConfig.from_pretrained(encoder))
    torch.nn.init.normal_(whole.lm_head.bias)
    with quiet():
        whole.save_pretrained(tmp_path / "whole")
    loaded.tokenizer.save_pretrained(tmp_path / "whole")
    recipe = changed(RECIPE, epochs=None, steps=1, learning_rate=1e-12, warmup=0, weight_decay=0)
    facts = finetune(tmp_path / "whole", [(TEXT, text_rows(8))], recipe, 0, tmp_path / "out", tmp_path / "state")
    assert facts["heads"] == {"words": "the encoder's own"}
    saved = load_file(tmp_path / "out" / "head.safetensors")
    assert torch.allclose(saved["words/bias"], whole.lm_head.bias, atol=1e-6)
    assert torch.allclose(saved["words/dense.weight"], whole.lm_head.dense.weight, atol=1e-6)
