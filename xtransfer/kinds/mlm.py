"""Kind `mlm`: any text, of which some tokens are hidden and predicted (masked language modelling). Only trained.

Masking follows Devlin et al. 2019: 15% of a sequence's tokens, at least one; of these 80% give way to the mask
token, 10% to a random token, 10% stay. A text longer than the recipe's `max_length` loses its end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from transformers import PreTrainedTokenizerBase

from xtransfer.base.errors import RequestError
from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.heads import copied
from xtransfer.kinds.language_head import LanguageHead
from xtransfer.kinds.spec import Encoded, Kind
from xtransfer.kinds.tokens import one_sequence_each

if TYPE_CHECKING:
    from xtransfer.kinds.batches import Batch
    from xtransfer.recipes.recipe import Recipe

SHARE = 0.15  # of the tokens that are hidden
_MASKED, _RANDOM = 0.8, 0.1  # of these: shares that become the mask token, or any token
_COUNTED = 10_000  # rows that stand for all
_LONGEST_TOKEN = 32  # characters, generously: what lies beyond `max_length` of them need not be tokenised


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Each row as one sequence, its text's first tokens. There is no target before `corrupt`."""
    texts = [row["text"][: max_length * _LONGEST_TOKEN] for row in rows]
    return one_sequence_each(texts, None, tokenizer, max_length)


def corrupt(batch: Batch, tokenizer: PreTrainedTokenizerBase, generator: torch.Generator) -> Batch:
    """The batch with tokens hidden; the target of a row is [(place, token that stood there), …].

    Special tokens and padding are never hidden. Raises RequestError for a tokenizer without a mask token.
    """
    if tokenizer.mask_token_id is None:
        raise RequestError("the encoder's tokenizer has no mask token; leave masked language modelling out")
    ids = batch.input_ids
    special = torch.isin(ids, torch.tensor(tokenizer.all_special_ids)) | (batch.attention_mask == 0)
    drawn = torch.rand(ids.shape, generator=generator).masked_fill(special, 2.0)  # never reached by a bound
    bound = drawn.min(dim=1, keepdim=True).values.clamp(min=SHARE)  # the least drawn is always hidden
    hidden = (drawn <= bound) & ~special
    way = torch.rand(ids.shape, generator=generator)
    random = torch.randint(len(tokenizer), ids.shape, generator=generator)
    shown = torch.where(hidden & (way < _MASKED), tokenizer.mask_token_id, ids)
    shown = torch.where(hidden & (way >= 1 - _RANDOM), random, shown)
    targets: list[list[tuple[int, int]]] = [[] for _ in batch.sizes]
    for row, place in hidden.nonzero().tolist():
        targets[row].append((place, int(ids[row, place])))
    return replace(batch, input_ids=shown, targets=targets)


def head(hidden: int, benchmark: Benchmark, dropout: float) -> LanguageHead:
    """A fresh head, which must be bound to the encoder whose tokens it predicts."""
    return LanguageHead(hidden)


def uninformed(encoded: Sequence[Encoded], recipe: Recipe) -> float:
    """The loss of guessing among all tokens, as many as the highest number in 10,000 rows says.

    An encoder that comes pretrained stays far below, and need not get any better to be no failure.
    """
    return math.log(1 + max(max(sequence) for row in encoded[:_COUNTED] for sequence in row.sequences))


KIND = Kind(
    name="mlm",
    fields={"text": str},
    encode=encode,
    head=head,
    gold=lambda benchmark, row: None,
    carry=copied,
    corrupt=corrupt,
    uninformed=uninformed,
)
