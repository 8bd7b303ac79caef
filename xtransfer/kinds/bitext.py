"""Kind `bitext`: parallel sentences, each looking for its translation. Nothing is trained.

Follows the Tatoeba task of XTREME: mean-pooled states, cosine similarity, nearest neighbour. A prediction is
the id of the row whose target was found, so the right answer is the row's own id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from transformers import PreTrainedTokenizerBase

from xtransfer.benchmarks.spec import Row
from xtransfer.kinds.spec import Encoded, Kind, Languages, Prediction, Retrieval, Vectors
from xtransfer.kinds.tokens import tokenize


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Each row as two sequences: source, target."""
    texts = [text for row in rows for text in (row["source"], row["target"])]
    ids, types = tokenize(texts, None, tokenizer, max_length)
    return [
        Encoded(
            (ids[start], ids[start + 1]),
            (types[start], types[start + 1]) if types is not None else None,
            None,
        )
        for start in range(0, len(ids), 2)
    ]


def find(vectors: Mapping[str, Vectors], rows: Languages, calibrated: None) -> dict[str, list[Prediction]]:
    """For each row the row whose target is nearest to its source, within the language; the first of equal ones."""
    return {language: _nearest(own, rows[language]) for language, own in vectors.items()}


def _nearest(vectors: Vectors, rows: Sequence[Row]) -> list[Prediction]:
    if not rows:
        return []
    both = torch.stack(list(vectors))
    best, found = (both[:, 0] @ both[:, 1].T).max(-1)
    return [Prediction(rows[place]["id"], (score,)) for score, place in zip(best.tolist(), found.tolist(), strict=True)]


KIND = Kind(
    name="bitext",
    fields={"source": str, "target": str},
    encode=encode,
    retrieval=Retrieval(find),
    gold=lambda row: row["id"],
)
