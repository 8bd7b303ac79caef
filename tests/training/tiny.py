"""A tiny encoder with random weights and a task that it can learn in seconds: is the colour warm or cold?"""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from transformers import XLMRobertaConfig, XLMRobertaModel

from xtransfer.base.stage import Progress
from xtransfer.benchmarks.spec import Benchmark, Row, Source
from xtransfer.models.pretrained import quiet
from xtransfer.recipes.recipe import Recipe
from xtransfer.training.tokenizer import train_tokenizer

WARM, COLD = ("red", "orange", "yellow"), ("blue", "green", "violet")
THINGS = ("house", "tree", "ship", "stone", "bird", "river")
WORDS = " ".join((*WARM, *COLD, *THINGS, "the", "a"))
PAIR = Benchmark("colours", "pair", ("en",), Source("test"), {}, "accuracy", labels=("entailment", "other"))
CHOICE = Benchmark("choices", "choice", ("en",), Source("test"), {}, "accuracy")
RECIPE = Recipe(epochs=6, batch_size=8, learning_rate=3e-3, max_length=24, dropout=0.1, warmup=0.1, weight_decay=0.01)


def pair_rows(count: int, seed: int = 0, noise: bool = False) -> list[Row]:
    """Rows whose label is told by the colour in the first text; with `noise`, by nothing."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        label = number % 2
        colour = rng.choice(WARM + COLD if noise else (WARM, COLD)[label])
        first, second = f"the {colour} {rng.choice(THINGS)}", f"a {rng.choice(THINGS)}"
        rows.append({"id": str(number), "group": str(number), "first": first, "second": second, "label": label})
    return rows


def choice_rows(count: int, seed: int = 0) -> list[Row]:
    """Rows whose right option has a warm colour."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        choices = [
            f"the {rng.choice(WARM)} {rng.choice(THINGS)}",
            f"the {rng.choice(COLD)} {rng.choice(THINGS)}",
        ]
        label = number % 2
        choices = choices[::-1] if label else choices
        row = {"id": str(number), "group": str(number), "context": "a house", "question": "cause"}
        rows.append({**row, "choices": choices, "label": label})
    return rows


def make_encoder(folder: Path, positions: int = 34, text: Iterable[str] = (WORDS,) * 20) -> Path:
    """An untrained XLM-R of two layers of 32, with a tokenizer of `text`; its position table serves `positions` - 2
    tokens."""
    tokenizer = train_tokenizer(text, vocab_size=400, lowercase=True, max_length=positions - 2)
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=positions,
        type_vocab_size=1,
        pad_token_id=tokenizer.pad_token_id,
        hidden_dropout_prob=0.1,
        attention_probs_dropout_prob=0.1,
    )
    with quiet():
        XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


class Killed(Exception):
    """What ends a run in `killed_at`."""


def killed_at(step: int) -> Progress:
    """A progress that ends the run at a step, or at the first later one that is told."""

    def kill(message: str, done: int, total: int, metrics: Any = None) -> None:
        if done >= step:
            raise Killed

    return kill
