"""Kind `dual-pair`: classify a text pair from the vectors of its two texts (inference of Chidambaram et al. 2018).

Rows are the same as for kind `pair`, but each text is encoded separately, so its vector must capture its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.pair import decode, two_labels
from xtransfer.kinds.prompts import as_passage, as_query
from xtransfer.kinds.spec import Encoded, Kind, Translatable
from xtransfer.kinds.tokens import sequences_each

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from xtransfer.kinds.vector_heads import DualPairHead
    from xtransfer.recipes.recipe import Recipe


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Encodes each row as two sequences: first text, second text."""
    texts = [[as_query(row, row["first"]), as_passage(row, row["second"])] for row in rows]
    return sequences_each(texts, tokenizer, max_length, [row["label"] for row in rows])


def head(hidden: int, benchmark: Benchmark, dropout: float, dual: Mapping[str, object]) -> DualPairHead:
    """Returns a newly initialised head with one logit per label of the benchmark."""
    from xtransfer.kinds.vector_heads import DualPairHead

    return DualPairHead(hidden, benchmark.labels, dropout, dual)


def uninformed(encoded: Sequence[Encoded], recipe: Recipe) -> float:
    """Returns the entropy of the labels, in nats; a row has one label although it has two sequences."""
    from xtransfer.kinds.uninformed import entropy  # imported here because it imports the kinds

    return entropy([row.target for row in encoded], recipe.label_smoothing)


KIND = Kind(
    name="dual-pair",
    fields={"first": str, "second": str, "label": int},
    about="two texts, one label, predicted from one vector of each",
    encode=encode,
    prompts=True,
    head=head,
    decode=decode,
    gold=lambda benchmark, row: row["label"],
    dual=True,
    uninformed=uninformed,
    declared=two_labels,
    translation=Translatable(("first", "second"), as_label=True, negation_decides=True),
    shown=("first", "second"),
)
