"""A kind: how benchmarks of one shape are encoded, headed, decoded. Many benchmarks, few kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch
from transformers import PreTrainedTokenizerBase

from xtransfer.benchmarks.spec import Benchmark, Row

if TYPE_CHECKING:
    from xtransfer.kinds.batches import Batch
    from xtransfer.recipes.recipe import Recipe


@dataclass(frozen=True)
class Encoded:
    """One row as token sequences: one for a pair, one per option of a choice, one per window of a span.

    Encoded rows are kept on disk, so target and extra are None, numbers, texts, or tuples of these.
    """

    sequences: tuple[tuple[int, ...], ...]  # token ids, special tokens included
    types: tuple[tuple[int, ...], ...] | None  # segment ids of the same lengths, for encoders that have them
    target: Any  # what the loss compares with: a label id, an option's index …; None where nothing is trained
    extra: Any = None  # what head or decoding must know of the tokens: places of words, characters of a window


class Head(Protocol):
    """A torch module on top of the encoder's last hidden states.

    Two members are optional. With `first_only = True` it reads of each sequence the first token's state alone, and
    the others need not be there. `items(batch) -> int` says how many items `loss` is the mean of; with it, a batch
    that does not fit into memory is computed in parts, without it never (a loss that compares rows, say).
    """

    def __call__(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Outputs [rows, …] of states [sequences, tokens, hidden]; `batch.sizes[i]` sequences belong to row i."""
        ...

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Mean loss over the rows of the batch, a scalar."""
        ...


@dataclass(frozen=True)
class Prediction:
    """What a model says of one row."""

    value: Any  # in the form that the metric reads: a label id, an option's index, a list of tags, a text
    scores: tuple[float, ...] = ()  # logits or similarities behind it, where there are few


Decode = Callable[[Benchmark, torch.Tensor, Sequence[Row], Sequence[Encoded]], list[Prediction]]
Vectors = Sequence[torch.Tensor]  # of each row [sequences, hidden], fp32; of length 1 where `Retrieval.unit` says so
Languages = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class Retrieval:
    """How a kind that compares vectors predicts. It has no head: each sequence is pooled to one vector."""

    find: Callable[[Mapping[str, Vectors], Languages, Any], dict[str, list[Prediction]]]
    # (vectors by language, their rows, what `calibrate` gave or None) → one prediction per row
    calibrate: Callable[[Mapping[str, Vectors], Languages], Any] | None = None
    # what is set on the dev split before test is opened (a threshold per language)
    unit: bool = True  # whether vectors are scaled to length 1, so that a dot product is a cosine
    measure: Callable[[Vectors], Mapping[str, float]] | None = None
    # what is recorded of a language's vectors beside scores: numbers that are no share of right answers


@dataclass(frozen=True)
class Kind:
    """The functions of one kind: `head` and `decode`, or `head` alone (only trained), or `retrieval` with or without
    a `head` that trains what is compared."""

    name: str
    fields: Mapping[
        str, Any
    ]  # canonical fields of a row, beside `id` and `group` → str, int, float, list[str], list[int]
    encode: Callable[[Sequence[Row], PreTrainedTokenizerBase, int], list[Encoded]]
    # (rows, tokenizer, longest sequence in tokens) → one per row; of a row alone, whatever rows stand beside it
    gold: Callable[[Benchmark, Row], Any]  # what the metric compares a prediction's value with
    head: Callable[..., torch.nn.Module] | None = None
    # (hidden size, benchmark, dropout) → Head; where `dual`, also the values of the recipe's `dual`
    dual: bool = False  # whether its head compares vectors as a recipe says
    decode: Decode | None = None  # (benchmark, outputs of Head, rows, encoded) of one batch → one per row
    retrieval: Retrieval | None = None
    together: Callable[[Languages], dict[str, list[Row]]] | None = None
    # before anything is encoded for scoring: rows that know of each other (a pool of candidates over languages)
    carry: Callable[[torch.nn.Module, torch.nn.Module], bool] | None = None
    # (source head, new head): start the new head from the source's; False where they do not fit
    corrupt: Callable[[Batch, PreTrainedTokenizerBase, torch.Generator], Batch] | None = None
    # what training does to a batch before the encoder sees it (masking); it sets the batch's targets
    uninformed: Callable[[Sequence[Encoded], Recipe], float] | None = None
    # mean loss of the best answer that ignores the input, where targets alone do not tell it
    may_be_empty: tuple[str, ...] = ()  # text fields that are optional
    check: Callable[[Row], str | None] | None = None  # what is wrong with a row beyond its types
    version: int = 1  # raise it when what `encode` gives changes: encoded rows are kept
