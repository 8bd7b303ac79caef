"""Kind `neighbours`: a sentence between two others, to be told from those of other places. Only trained.

Quick thoughts (Logeswaran and Lee 2018) as Chidambaram et al. 2018 train them: the losses of predecessor and successor
are added, and each of the three places has a layer of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from transformers import PreTrainedTokenizerBase

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.heads import copied
from xtransfer.kinds.spec import Encoded, Kind
from xtransfer.kinds.tokens import sequences_each
from xtransfer.kinds.vector_heads import NeighboursHead

if TYPE_CHECKING:
    from xtransfer.recipes.recipe import Recipe

PLACES = ("before", "text", "after")


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Each row as three sequences, in the order of the text."""
    return sequences_each([[row[place] for place in PLACES] for row in rows], tokenizer, max_length)


def head(hidden: int, benchmark: Benchmark, dropout: float, dual: Mapping[str, Any]) -> NeighboursHead:
    """A fresh head with a layer for each place."""
    return NeighboursHead(hidden, dual)


def uninformed(encoded: Sequence[Encoded], recipe: Recipe) -> float:
    """The loss of guessing, twice: once for each neighbour."""
    return 2 * math.log(min(recipe.batch_size, recipe.dual.negatives_within or recipe.batch_size, len(encoded)))


KIND = Kind(
    name="neighbours",
    fields=dict.fromkeys(PLACES, str),
    encode=encode,
    head=head,
    gold=lambda benchmark, row: None,
    carry=copied,
    dual=True,
    uninformed=uninformed,
)
