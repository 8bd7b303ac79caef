"""Kind `pair`: two texts, one label (inference, paraphrase)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import PreTrainedTokenizerBase

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.heads import LabelHead, same_trunk
from xtransfer.kinds.spec import Encoded, Kind, Prediction
from xtransfer.kinds.tokens import tokenize


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Each row as one sequence: first text, second text."""
    ids, types = tokenize([row["first"] for row in rows], [row["second"] for row in rows], tokenizer, max_length)
    return [
        Encoded((sequence,), (types[number],) if types is not None else None, rows[number]["label"])
        for number, sequence in enumerate(ids)
    ]


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


def carry(source: torch.nn.Module, source_kind: str, new: torch.nn.Module) -> bool:
    """Copies a pair head whose labels have the same names and order; anything else is not compatible."""
    if not (isinstance(source, LabelHead) and isinstance(new, LabelHead) and same_trunk(source, new)):
        return False
    if source.labels != new.labels:
        return False
    new.load_state_dict(source.state_dict())
    return True


KIND = Kind(
    name="pair",
    fields={"first": str, "second": str, "label": int},
    encode=encode,
    head=head,
    decode=decode,
    gold=lambda benchmark, row: row["label"],
    carry=carry,
)
