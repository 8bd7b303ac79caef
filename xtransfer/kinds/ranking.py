"""Kind `ranking`: rank the target that belongs to a source text above other targets.

Training uses a softmax over the targets of a batch (translation ranking of Chidambaram et al. 2018; questions and
answers, mentions and entities of XTREME-R). Scoring follows Chidambaram et al.: the correct target and 999 random
others, ranked by dot product. If a target has a `context`, both are encoded as a text pair.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.prompts import as_passage, as_query
from xtransfer.kinds.spec import Encoded, Kind, Languages, Prediction, Retrieval, Translatable, Vectors
from xtransfer.kinds.tokens import Tokens, by_row, tokenize
from xtransfer.kinds.words import found
from xtransfer.metrics.precision_at import DEPTH

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from xtransfer.kinds.vector_heads import RankingHead
    from xtransfer.recipes.recipe import Recipe

OTHERS = 999  # incorrect targets ranked together with the correct one
_ROWS_AT_ONCE = 512  # sources per block of similarities


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Encodes each row as its source, its target, and its hard negatives if training mined any."""
    texts = [
        [as_query(row, row["source"]), *(as_passage(row, one) for one in (row["target"], *row.get("negatives", ())))]
        for row in rows
    ]
    seconds = [["", *[row.get("context", "")] * (len(own) - 1)] for row, own in zip(rows, texts, strict=True)]
    ids, types = _tokenized([one for own in texts for one in own], [one for own in seconds for one in own],
                            tokenizer, max_length)  # fmt: skip
    return by_row(ids, types, [len(own) for own in texts])


def _tokenized(
    firsts: Sequence[str], seconds: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> tuple[list[Tokens], list[Tokens] | None]:
    """Like `tokenize`, for a mix of single texts and text pairs; an empty second text means a single text."""
    alone = [place for place, second in enumerate(seconds) if not second]
    paired = [place for place, second in enumerate(seconds) if second]
    ids: dict[int, Tokens] = {}
    types: dict[int, Tokens] = {}
    for places, with_second in ((alone, False), (paired, True)):
        others = [seconds[place] for place in places] if with_second else None
        found, segments = tokenize([firsts[place] for place in places], others, tokenizer, max_length)
        ids.update(zip(places, found, strict=True))
        types.update(zip(places, segments or (), strict=False))
    in_order = range(len(firsts))
    return [ids[place] for place in in_order], [types[place] for place in in_order] if types else None


def head(hidden: int, benchmark: Benchmark, dropout: float, dual: Mapping[str, object]) -> RankingHead:
    """Returns a head whose only parameter is the scale, if the recipe learns it."""
    from xtransfer.kinds.vector_heads import RankingHead

    return RankingHead(dual)


def find(vectors: Mapping[str, Vectors], rows: Languages, calibrated: None) -> dict[str, list[Prediction]]:
    """Returns, for each row, the ids of the 10 targets nearest to its source among its own and 999 random others."""
    return {language: _ranked(language, own, rows[language]) for language, own in vectors.items()}


def _ranked(language: str, vectors: Vectors, rows: Sequence[Row]) -> list[Prediction]:
    import torch

    from xtransfer.kinds.nearest_search import similarities

    sources, targets = (torch.stack([own[side] for own in vectors]) for side in (0, 1))
    found = []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        for own, row in enumerate(similarities(sources[start : start + _ROWS_AT_ONCE], targets), start=start):
            pool = torch.tensor(_pool(f"{language}/{rows[own]['id']}", own, len(rows)))
            values, places = row[pool].sort(descending=True, stable=True)
            names = [rows[place]["id"] for place in pool[places[:DEPTH]].tolist()]
            found.append(Prediction(names, tuple(values[:DEPTH].tolist())))
    return found


def _pool(name: str, own: int, num_rows: int) -> list[int]:
    """Returns the indices of the row and of 999 random others, or of all rows if there are fewer.

    The draw depends only on `name`, so every model is scored on the same candidates.
    """
    if num_rows <= OTHERS + 1:
        return list(range(num_rows))
    others = random.Random(name).sample(range(num_rows - 1), OTHERS)  # noqa: S311 - sampling, not cryptography
    return sorted([own, *(place + (place >= own) for place in others)])


def measure(vectors: Vectors) -> dict[str, float]:
    """Returns the eigen-similarity of source and target vectors, raw as in Chidambaram et al. and at unit length.

    Higher means less similar spaces. Empty if there are too few rows.
    """
    import torch

    from xtransfer.metrics.eigen import NUM_PAIRS, eigen_similarity

    if len(vectors) < NUM_PAIRS:
        return {}
    sources, targets = (torch.stack([own[side] for own in vectors]) for side in (0, 1))
    unit = [torch.nn.functional.normalize(one, dim=-1) for one in (sources, targets)]
    return {"eigen_similarity": eigen_similarity(sources, targets), "eigen_similarity_of_unit": eigen_similarity(*unit)}


def uninformed(encoded: Sequence[Encoded], recipe: Recipe) -> float:
    """Returns the loss of guessing, in nats: the log of the number of candidates; if symmetric, of both directions."""
    within = min(recipe.batch_size, recipe.dual.negatives_within or recipe.batch_size, len(encoded))
    forwards = math.log(within * max(len(row.sequences) - 1 for row in encoded))
    return (forwards + math.log(within)) / 2 if recipe.dual.symmetric else forwards


KIND = Kind(
    name="ranking",
    fields={"source": str, "target": str, "context": str},
    about="pairs of texts that belong together; the first is to find the second",
    encode=encode,
    head=head,
    retrieval=Retrieval(find, unit=False, measure=measure),
    shape="rankings",
    gold=lambda benchmark, row: [row["id"]],
    dual=True,
    prompts=True,
    uninformed=uninformed,
    may_be_empty=("context",),
    hard_negatives=True,
    translation=Translatable(("source", "target", "context"), some_empty=True),
    shown=("source", "context"),
    words=found("target"),
)
