"""Kind `nearness`: predict the similarity of two texts from their vectors. Scored only, never trained.

The similarity is minus the angle between the vectors divided by pi, as in Chidambaram et al. 2018 on STS Benchmark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from xtransfer.benchmarks.spec import Row
from xtransfer.kinds.prompts import as_passage, as_query
from xtransfer.kinds.spec import NEVER_TRAINED, Encoded, Kind, Languages, Prediction, Retrieval, Vectors
from xtransfer.kinds.sts import check
from xtransfer.kinds.tokens import sequences_each

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Encodes each row as two sequences: first text, second text."""
    texts = [[as_query(row, row["first"]), as_passage(row, row["second"])] for row in rows]
    return sequences_each(texts, tokenizer, max_length)


def find(vectors: Mapping[str, Vectors], rows: Languages, calibrated: None) -> dict[str, list[Prediction]]:
    """Returns a similarity for each row, from -1 (opposite directions) to 0 (the same direction)."""
    return {language: [Prediction(_similarity(two)) for two in own] for language, own in vectors.items()}


def _similarity(two: torch.Tensor) -> float:
    cosine = float((two[0].double() * two[1].double()).sum())
    return -math.acos(min(1.0, max(-1.0, cosine))) / math.pi


KIND = Kind(
    name="nearness",
    fields={"first": str, "second": str, "score": float},
    about="two texts and how similar they are, scored by the angle of their vectors, without training",
    encode=encode,
    prompts=True,
    retrieval=Retrieval(find),
    shape="numbers",
    gold=lambda benchmark, row: row["score"],
    check=check,
    translation=NEVER_TRAINED,
    shown=("first", "second"),
)
