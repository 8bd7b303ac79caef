"""Kind `sts`: predict the semantic similarity of two texts, from 0 to 1 (STS Benchmark).

A regression on the first token with squared error. Benchmarks with another scale divide by its largest value,
which does not change correlations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.spec import Encoded, Kind, Prediction, Translatable
from xtransfer.kinds.tokens import one_sequence_each

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

    from xtransfer.kinds.heads import ScoreHead


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Encodes each row as one sequence: first text, second text."""
    firsts, seconds = [row["first"] for row in rows], [row["second"] for row in rows]
    return one_sequence_each(firsts, seconds, tokenizer, max_length, [row["score"] for row in rows])


def head(hidden: int, benchmark: Benchmark, dropout: float) -> ScoreHead:
    """Returns a newly initialised head with one score per row."""
    from xtransfer.kinds.heads import ScoreHead

    return ScoreHead(hidden, dropout)


def decode(
    benchmark: Benchmark, outputs: torch.Tensor, rows: Sequence[Row], encoded: Sequence[Encoded]
) -> list[Prediction]:
    """Predicts the raw score, which may lie outside 0 to 1."""
    return [Prediction(score) for score in outputs.float().tolist()]


def check(row: Row) -> str | None:
    """Returns what is wrong with a row, or None if it is valid."""
    if not 0 <= row["score"] <= 1:
        return f"score is {row['score']}, expected 0 to 1 (divide by the largest value of the benchmark's scale)"
    return None


KIND = Kind(
    name="sts",
    fields={"first": str, "second": str, "score": float},
    about="two texts and how similar they are",
    encode=encode,
    pools=True,
    head=head,
    decode=decode,
    shape="numbers",
    gold=lambda benchmark, row: row["score"],
    check=check,
    translation=Translatable(("first", "second"), as_label=True),
    shown=("first", "second"),
)
