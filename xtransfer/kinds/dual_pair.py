"""Kind `dual-pair`: classify a text pair from the vectors of its two texts (inference of Chidambaram et al. 2018).

Rows are the same as for kind `pair`, but each text is encoded separately, so its vector must capture its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from transformers import PreTrainedTokenizerBase

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.heads import copied
from xtransfer.kinds.pair import decode
from xtransfer.kinds.spec import Encoded, Kind
from xtransfer.kinds.tokens import sequences_each
from xtransfer.kinds.vector_heads import DualPairHead

if TYPE_CHECKING:
    from xtransfer.recipes.recipe import Recipe


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Encodes each row as two sequences: first text, second text."""
    texts = [[row["first"], row["second"]] for row in rows]
    return sequences_each(texts, tokenizer, max_length, [row["label"] for row in rows])


def head(hidden: int, benchmark: Benchmark, dropout: float, dual: Mapping[str, object]) -> DualPairHead:
    """Returns a newly initialised head with one logit per label of the benchmark."""
    return DualPairHead(hidden, benchmark.labels, dropout, dual)


def uninformed(encoded: Sequence[Encoded], recipe: Recipe) -> float:
    """Returns the entropy of the labels, in nats; a row has one label although it has two sequences."""
    from xtransfer.kinds.uninformed import entropy  # imported here because it imports the kinds

    return entropy([row.target for row in encoded])


KIND = Kind(
    name="dual-pair",
    fields={"first": str, "second": str, "label": int},
    encode=encode,
    head=head,
    decode=decode,
    gold=lambda benchmark, row: row["label"],
    carry=copied,
    dual=True,
    uninformed=uninformed,
)
