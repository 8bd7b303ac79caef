"""Kind `neighbours`: pick a sentence's previous and next sentence from a batch. Trained only, never scored.

This is quick thoughts (Logeswaran and Lee 2018) as trained by Chidambaram et al. 2018: the losses for the previous
and the next sentence are added, and each of the three positions has its own layer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.prompts import as_passage, as_query
from xtransfer.kinds.spec import Encoded, Kind, Translatable
from xtransfer.kinds.tokens import sequences_each

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from xtransfer.kinds.vector_heads import NeighboursHead
    from xtransfer.recipes.recipe import Recipe

PLACES = ("before", "text", "after")


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Encodes each row as three sequences: previous, current and next sentence."""
    texts = [
        [as_passage(row, row["before"]), as_query(row, row["text"]), as_passage(row, row["after"])] for row in rows
    ]
    return sequences_each(texts, tokenizer, max_length)


def head(hidden: int, benchmark: Benchmark, dropout: float, dual: Mapping[str, object]) -> NeighboursHead:
    """Returns a newly initialised head with one layer per position."""
    from xtransfer.kinds.vector_heads import NeighboursHead

    return NeighboursHead(hidden, dual)


def uninformed(encoded: Sequence[Encoded], recipe: Recipe) -> float:
    """Returns the loss of guessing, in nats, summed over the previous and the next sentence."""
    return 2 * math.log(min(recipe.batch_size, recipe.dual.negatives_within or recipe.batch_size, len(encoded)))


KIND = Kind(
    name="neighbours",
    fields=dict.fromkeys(PLACES, str),
    about="sentences with the sentences before and after them",
    encode=encode,
    head=head,
    gold=lambda benchmark, row: None,
    dual=True,
    prompts=True,
    uninformed=uninformed,
    translation=Translatable(PLACES),
)
