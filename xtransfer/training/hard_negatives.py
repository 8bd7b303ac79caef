"""Hard negatives: texts so like the right one that a dual encoder must look closely (Chidambaram et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.nearest import neighbours
from xtransfer.models.checkpoints import Loaded
from xtransfer.models.predict import Reader, vectors_of
from xtransfer.recipes.pooling import Pooling
from xtransfer.recipes.recipe import Recipe

MINED = ("ranking", "response")  # kinds whose rows have a target


def with_negatives(
    benchmark: Benchmark, parts: Sequence[Sequence[Row]], loaded: Loaded, recipe: Recipe, device: str
) -> list[Sequence[Row]]:
    """The rows of each part, with `negatives` where the recipe asks for some and the kind has targets.

    They are mined with the encoder as training starts from it, part by part: of the other targets those with the
    highest cosine to the row's own. A text that is the same as the row's target is none.
    """
    wanted = recipe.dual.hard_negatives
    if not wanted or benchmark.kind not in MINED:
        return list(parts)
    reader = Reader(loaded.tokenizer, recipe.max_length)
    pooling = Pooling(how=recipe.dual.pooling)
    mined: list[Sequence[Row]] = []
    for rows in parts:
        vectors = vectors_of(loaded.encoder, benchmark, rows, reader, device, pooling)
        targets = torch.nn.functional.normalize(torch.stack([own[1] for own in vectors]), dim=-1)
        mined.append(_nearest(rows, targets, wanted))
    return mined


def _nearest(rows: Sequence[Row], targets: torch.Tensor, wanted: int) -> list[Row]:
    """`targets` are unit vectors of the rows' targets. Each distinct text counts once."""
    first = {row["target"]: place for place, row in reversed(list(enumerate(rows)))}
    texts, places = list(first), list(first.values())
    found = neighbours(targets, targets[places], wanted + 1).places.tolist()
    return [
        {**row, "negatives": [texts[place] for place in near if texts[place] != row["target"]][:wanted]}
        for row, near in zip(rows, found, strict=True)
    ]
