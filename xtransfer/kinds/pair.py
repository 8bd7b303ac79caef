"""Kind `pair`: classify a pair of texts (inference, paraphrase)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import PreTrainedTokenizerBase

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.heads import LabelHead, copied
from xtransfer.kinds.spec import Encoded, Kind, Prediction
from xtransfer.kinds.tokens import one_sequence_each


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Encodes each row as one sequence: first text, second text."""
    firsts, seconds = [row["first"] for row in rows], [row["second"] for row in rows]
    return one_sequence_each(firsts, seconds, tokenizer, max_length, [row["label"] for row in rows])


def head(hidden: int, benchmark: Benchmark, dropout: float) -> LabelHead:
    """Returns a newly initialised head with one logit per label of the benchmark."""
    return LabelHead(hidden, benchmark.labels, dropout)


def decode(
    benchmark: Benchmark, outputs: torch.Tensor, rows: Sequence[Row], encoded: Sequence[Encoded]
) -> list[Prediction]:
    """Predicts the label with the highest logit; ties go to the first label."""
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
