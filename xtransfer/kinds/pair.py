"""Kind `pair`: two texts, one label (inference, paraphrase)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import PreTrainedTokenizerBase

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.heads import LabelHead, copied
from xtransfer.kinds.spec import Encoded, Kind, Prediction
from xtransfer.kinds.tokens import one_sequence_each


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Each row as one sequence: first text, second text."""
    firsts, seconds = [row["first"] for row in rows], [row["second"] for row in rows]
    return one_sequence_each(firsts, seconds, tokenizer, max_length, [row["label"] for row in rows])


def head(hidden: int, benchmark: Benchmark, dropout: float) -> LabelHead:
    """A fresh head with one logit per label of the benchmark."""
    return LabelHead(hidden, benchmark.labels, dropout)


def decode(
    benchmark: Benchmark, outputs: torch.Tensor, rows: Sequence[Row], encoded: Sequence[Encoded]
) -> list[Prediction]:
    """The label of the highest logit; the first of several equal ones."""
    return [
        Prediction(best, tuple(scores))
        for best, scores in zip(outputs.argmax(-1).tolist(), outputs.float().tolist(), strict=True)
    ]


KIND = Kind(
    name="pair",
    fields={"first": str, "second": str, "label": int},
    encode=encode,
    head=head,
    decode=decode,
    gold=lambda benchmark, row: row["label"],
    carry=copied,
)
