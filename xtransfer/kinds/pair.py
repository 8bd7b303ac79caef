"""Kind `pair`: classify a pair of texts (inference, paraphrase)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.spec import Encoded, Kind, Prediction, Translatable
from xtransfer.kinds.tokens import one_sequence_each

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

    from xtransfer.kinds.heads import LabelHead


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Encodes each row as one sequence: first text, second text."""
    firsts, seconds = [row["first"] for row in rows], [row["second"] for row in rows]
    return one_sequence_each(firsts, seconds, tokenizer, max_length, [row["label"] for row in rows])


def head(hidden: int, benchmark: Benchmark, dropout: float) -> LabelHead:
    """Returns a newly initialised head with one logit per label of the benchmark."""
    from xtransfer.kinds.heads import LabelHead

    return LabelHead(hidden, benchmark.labels, dropout)


def decode(
    benchmark: Benchmark, outputs: torch.Tensor, rows: Sequence[Row], encoded: Sequence[Encoded]
) -> list[Prediction]:
    """Predicts the label with the highest logit; ties go to the first label."""
    return [
        Prediction(best, tuple(scores))
        for best, scores in zip(outputs.argmax(-1).tolist(), outputs.float().tolist(), strict=True)
    ]


def two_labels(benchmark: Benchmark) -> str | None:
    """Returns what is wrong with a declaration, or None if it has at least two labels."""
    if len(benchmark.labels) < 2 and not benchmark.labels_from:
        return f"labels: kind {benchmark.kind} needs at least two, found {len(benchmark.labels)}"
    return None


KIND = Kind(
    name="pair",
    fields={"first": str, "second": str, "label": int},
    about="two texts, one label",
    encode=encode,
    pools=True,
    head=head,
    decode=decode,
    gold=lambda benchmark, row: row["label"],
    declared=two_labels,
    translation=Translatable(("first", "second"), as_label=True, negation_decides=True),
    shown=("first", "second"),
)
