"""Kind `bitext`: retrieve the translation of each sentence from parallel text. Scored only, never trained.

Follows the Tatoeba task of XTREME: mean-pooled states, cosine similarity, nearest neighbour. A prediction is
the id of the row whose target was retrieved, so the correct answer is the row's own id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from xtransfer.benchmarks.spec import Row
from xtransfer.kinds.prompts import as_passage, as_query
from xtransfer.kinds.spec import FINDS_TRANSLATIONS, Encoded, Kind, Languages, Prediction, Retrieval, Vectors
from xtransfer.kinds.tokens import sequences_each
from xtransfer.kinds.words import found

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Encodes each row as two sequences: source, target."""
    texts = [[as_query(row, row["source"]), as_passage(row, row["target"])] for row in rows]
    return sequences_each(texts, tokenizer, max_length)


def find(vectors: Mapping[str, Vectors], rows: Languages, calibrated: None) -> dict[str, list[Prediction]]:
    """Returns, for each row, the id of the row in the same language whose target is nearest to its source.

    Ties go to the first row.
    """
    return {language: _nearest(own, rows[language]) for language, own in vectors.items()}


def _nearest(vectors: Vectors, rows: Sequence[Row]) -> list[Prediction]:
    from xtransfer.kinds.nearest_search import ranked

    sources, targets = [own[0] for own in vectors], [own[1] for own in vectors]
    found = ranked(sources, targets, [row["id"] for row in rows], 1)
    return [Prediction(one.value[0], one.scores) for one in found]


KIND = Kind(
    name="bitext",
    fields={"source": str, "target": str},
    about="sentences, each to be matched with its translation in one other language",
    encode=encode,
    prompts=True,
    retrieval=Retrieval(find, one_of_all=True),
    gold=lambda benchmark, row: row["id"],
    translation=FINDS_TRANSLATIONS,
    shown=("source",),
    words=found("target"),
)
