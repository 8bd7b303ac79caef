"""The model in training: an encoder with one head per benchmark, and how each head is initialised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from xtransfer.base.errors import RequestError
from xtransfer.base.precision import Precision, autocast
from xtransfer.base.randomness import derived, own_randomness
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.kinds import KINDS
from xtransfer.kinds.batches import Batch
from xtransfer.kinds.language_head import LanguageHead
from xtransfer.kinds.spec import Head
from xtransfer.models import checkpoints, pretrained
from xtransfer.models.checkpoints import HeadInfo, Loaded, SavedHead
from xtransfer.models.unpadded.forward import states
from xtransfer.recipes.recipe import Recipe


class Model(nn.Module):
    """An encoder and one head per benchmark."""

    def __init__(
        self,
        encoder: PreTrainedModel,
        heads: Mapping[str, SavedHead],
        precision: Precision = "fp32",
        packed: bool = True,
    ) -> None:
        super().__init__()
        self.encoder, self.precision, self.packed = encoder, precision, packed
        # A list, because benchmark names may contain dots and the keys of a ModuleDict may not.
        self.heads = nn.ModuleList(saved.module for saved in heads.values())
        self.order = {name: number for number, name in enumerate(heads)}

    def loss(self, named: tuple[str, Batch]) -> Tensor:
        """Returns the mean loss of a batch of one benchmark."""
        return self.head(named[0]).loss(self.outputs(named), named[1])

    def outputs(self, named: tuple[str, Batch]) -> Tensor:
        """Returns the outputs of a benchmark's head for a batch, which its loss reads."""
        name, batch = named
        head = self.head(name)
        first_only = getattr(head, "first_only", False)
        found = states(self.encoder, batch, first_only=first_only, packed=self.packed, precision=self.precision)
        with autocast(self.precision if isinstance(head, LanguageHead) else "fp32", batch.input_ids.device.type):
            # The product with the vocabulary costs as much as the encoder, so it runs in the encoder's precision.
            return head(found, batch)

    def items(self, named: tuple[str, Batch]) -> int | None:
        """Returns how many items the loss of a batch averages over; None if its rows must stay together."""
        name, batch = named
        count = getattr(self.head(name), "items", None)
        return None if count is None else int(count(batch))

    def compares(self, name: str) -> bool:
        """Returns whether the loss of a benchmark compares rows whose outputs may be computed in parts."""
        return bool(getattr(self.head(name), "compares", False))

    def head(self, name: str) -> Head:
        """Returns the head of a benchmark."""
        return cast(Head, self.heads[self.order[name]])


def heads_for(
    loaded: Loaded, benchmarks: Sequence[Benchmark], recipe: Recipe, seed: int
) -> tuple[dict[str, SavedHead], dict[str, str]]:
    """Returns a head for each benchmark, and its origin: "fresh", "carried from X" or "the encoder's own".

    Raises RequestError if the recipe smooths labels, and a head cannot.
    """
    heads, came_from = {}, {}
    rate = pretrained.head_dropout(loaded.encoder.config) if recipe.dropout is None else recipe.dropout
    for benchmark in benchmarks:
        dual = recipe.dual.model_dump(mode="json") if KINDS[benchmark.kind].dual else None
        last = "last" if KINDS[benchmark.kind].pools and recipe.pooling == "last" else None
        info = HeadInfo(benchmark.name, benchmark.kind, tuple(benchmark.labels), rate, dual, last)
        with own_randomness("cpu"):
            torch.manual_seed(derived(seed, "head", benchmark.name))
            module = checkpoints.new_head(info, loaded.encoder.config.hidden_size)
        checkpoints.bind(module, loaded.encoder)
        _smooth(module, recipe.label_smoothing, benchmark)
        source = _carry(loaded, benchmark, module) if recipe.head == "carry" else None
        heads[benchmark.name] = SavedHead(info, module)
        came_from[benchmark.name] = f"carried from {source}" if source else _first(module, loaded)
    return heads, came_from


def _smooth(module: nn.Module, smoothing: float, benchmark: Benchmark) -> None:
    if smoothing == 0:
        return
    if not hasattr(module, "label_smoothing"):
        raise RequestError(
            f"label_smoothing: the head of kind {benchmark.kind} does not know it; set it to 0, or give the head a "
            "member label_smoothing that its loss reads"
        )
    module.label_smoothing = smoothing  # type: ignore[assignment]  # nn.Module types its members as tensors


def _first(module: nn.Module, loaded: Loaded) -> str:
    """Initialises a language-modelling head from the encoder's files, if possible; returns the head's origin."""
    if isinstance(module, LanguageHead) and loaded.folder is not None:
        return "the encoder's own" if module.adopt(pretrained.left_over(loaded.folder)) else "fresh"
    return "fresh"


def _carry(loaded: Loaded, benchmark: Benchmark, module: nn.Module) -> str | None:
    """Initialises `module` from the first compatible head, preferring the benchmark's own; returns that head's name."""
    carry = KINDS[benchmark.kind].carry
    for name in sorted(loaded.heads, key=lambda name: name != benchmark.name):
        saved = loaded.heads[name]
        if carry(saved.module, module):
            return name
    return None
