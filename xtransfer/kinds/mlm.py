"""Kind `mlm`: masked language modelling on any text. Trained only, never scored.

Masking follows Devlin et al. 2019: 15% of a sequence's tokens, at least one, are predicted. Of these, 80% become
the mask token, 10% a random token, and 10% stay. Texts are truncated to the recipe's `max_length`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from xtransfer.base.errors import RequestError
from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.spec import Encoded, Kind, Translatable
from xtransfer.kinds.tokens import one_sequence_each

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

    from xtransfer.kinds.batches import Batch
    from xtransfer.kinds.language_head import LanguageHead
    from xtransfer.recipes.recipe import Recipe

SHARE = 0.15  # share of tokens to predict
_MASKED, _RANDOM = 0.8, 0.1  # of these, shares that become the mask token and a random token
_COUNTED = 10_000  # rows used to estimate the vocabulary size
_LONGEST_TOKEN = 32  # characters, a generous bound: text beyond `max_length` such tokens need not be tokenised


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Encodes each row as one sequence, the first tokens of its text. Targets are set later, by `corrupt`."""
    texts = [row["text"][: max_length * _LONGEST_TOKEN] for row in rows]
    return one_sequence_each(texts, None, tokenizer, max_length)


def corrupt(batch: Batch, tokenizer: PreTrainedTokenizerBase, generator: torch.Generator) -> Batch:
    """Returns the batch with masked tokens; the target of a row is [(position, original token), …].

    Special tokens and padding are never masked. Raises RequestError if the tokenizer has no mask token.
    """
    import torch

    if tokenizer.mask_token_id is None:
        raise RequestError(
            "the encoder's tokenizer has no mask token, which masked language modelling needs; "
            "remove the benchmarks of kind mlm or choose another encoder"
        )
    ids = batch.input_ids
    special = torch.isin(ids, torch.tensor(tokenizer.all_special_ids)) | (batch.attention_mask == 0)
    drawn = torch.rand(ids.shape, generator=generator).masked_fill(special, 2.0)  # above any bound
    bound = drawn.min(dim=1, keepdim=True).values.clamp(min=SHARE)  # the lowest draw is always masked
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
    """Returns a newly initialised head; call `bind` with the encoder before use."""
    from xtransfer.kinds.language_head import LanguageHead

    return LanguageHead(hidden)


def uninformed(encoded: Sequence[Encoded], recipe: Recipe) -> float:
    """Returns the loss of guessing uniformly among all tokens, in nats.

    The vocabulary size is estimated from the highest token id in the first 10,000 rows. A pretrained encoder starts
    far below this loss, so training has not failed if it does not improve further.
    """
    return math.log(1 + max(max(sequence) for row in encoded[:_COUNTED] for sequence in row.sequences))


KIND = Kind(
    name="mlm",
    fields={"text": str},
    about="text with masked words",
    encode=encode,
    head=head,
    gold=lambda benchmark, row: None,
    corrupt=corrupt,
    uninformed=uninformed,
    translation=Translatable(("text",)),
)
