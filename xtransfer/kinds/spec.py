"""A kind: how benchmarks of one shape are encoded, headed, decoded. Many benchmarks, few kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from transformers import PreTrainedTokenizerBase

from xtransfer.benchmarks.spec import Benchmark, Row


@dataclass(frozen=True)
class Encoded:
    """One row as token sequences: one for a pair, one per option of a choice, one per window of a span."""

    sequences: tuple[tuple[int, ...], ...]  # token ids, special tokens included
    types: tuple[tuple[int, ...], ...] | None  # segment ids of the same lengths, for encoders that have them
    target: Any  # what the loss compares with: a label id, an option's index …; None where nothing is trained


class Head(Protocol):
    """A torch module on top of the encoder's last hidden states."""

    def __call__(self, states: torch.Tensor, mask: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
        """Outputs [rows, …] of states [sequences, tokens, hidden]; `sizes[i]` sequences belong to row i."""
        ...

    def loss(self, outputs: torch.Tensor, targets: Sequence[Any]) -> torch.Tensor:
        """Mean loss over the rows, a scalar."""
        ...


@dataclass(frozen=True)
class Prediction:
    """What a model says of one row."""

    value: Any  # in the form that the metric reads: a label id, an option's index, a list of tags, a text
    scores: tuple[float, ...] = ()  # logits or similarities behind it, where there are few


@dataclass(frozen=True)
class Kind:
    """The functions of one kind. `head` is None where nothing is trained (retrieval by the encoder alone)."""

    name: str
    fields: Mapping[str, type]  # canonical fields of a row, beside `id` and `group`; no text is empty
    encode: Callable[[Sequence[Row], PreTrainedTokenizerBase, int], list[Encoded]]
    # (rows, tokenizer, longest sequence in tokens) → one per row
    head: Callable[[int, Benchmark, float], torch.nn.Module] | None  # hidden size, benchmark, dropout → Head
    decode: Callable[[torch.Tensor, Sequence[Row]], list[Prediction]]  # outputs of Head → one per row
    gold: Callable[[Row], Any]  # what the metric compares a prediction's value with
    carry: Callable[[torch.nn.Module, str, torch.nn.Module], bool] | None = None
    # (source head, its kind, new head): start the new head from the source's; False where they do not fit
    may_be_empty: tuple[str, ...] = ()  # text fields that are optional
    check: Callable[[Row], str | None] | None = None  # what is wrong with a row beyond its types
