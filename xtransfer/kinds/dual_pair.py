"""Kind `dual-pair`: two texts, one label, told from their two vectors (inference of Chidambaram et al. 2018).

The rows are those of kind `pair`, but each text is encoded by itself, so that the encoder alone must hold what it says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

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
    """Each row as two sequences: first text, second text."""
    texts = [[row["first"], row["second"]] for row in rows]
    return sequences_each(texts, tokenizer, max_length, [row["label"] for row in rows])


def head(hidden: int, benchmark: Benchmark, dropout: float, dual: Mapping[str, Any]) -> DualPairHead:
    """A fresh head with one logit per label of the benchmark."""
    return DualPairHead(hidden, benchmark.labels, dropout, dual)


def uninformed(encoded: Sequence[Encoded], recipe: Recipe) -> float:
    """The entropy of the labels, of which each row has one though it has two sequences."""
    from xtransfer.kinds.uninformed import entropy  # which reads kinds

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
