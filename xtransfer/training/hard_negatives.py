"""Mines hard negatives: texts similar to the correct one, for dual encoders (Chidambaram et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds import KINDS
from xtransfer.kinds.nearest_search import k_nearest, searching_on
from xtransfer.models.checkpoints import Loaded
from xtransfer.models.predict import RowEncoder, vectors_of
from xtransfer.recipes.pooling import Pooling
from xtransfer.recipes.recipe import Recipe


def with_negatives(
    benchmark: Benchmark, parts: Sequence[Sequence[Row]], loaded: Loaded, recipe: Recipe, device: str
) -> list[Sequence[Row]]:
    """Returns the rows of each part, with `negatives` if the recipe asks for them and the kind has targets.

    Mined with the initial encoder, per part: the other targets with the highest cosine to the row's own. A text equal
    to the row's target is not a negative.
    """
    wanted = recipe.dual.hard_negatives
    if not wanted or not KINDS[benchmark.kind].hard_negatives:
        return list(parts)
    row_encoder = RowEncoder(loaded.tokenizer, recipe.max_length)
    dual = recipe.dual
    pooling = Pooling(how=dual.pooling, query_prompt=dual.query_prompt, passage_prompt=dual.passage_prompt)
    mined: list[Sequence[Row]] = []
    for rows in parts:
        vectors = vectors_of(loaded.encoder, benchmark, rows, row_encoder, device, pooling)
        targets = torch.nn.functional.normalize(torch.stack([own[1] for own in vectors]), dim=-1)
        with searching_on(device):
            mined.append(_nearest(rows, targets, wanted))
    return mined


def _nearest(rows: Sequence[Row], targets: torch.Tensor, wanted: int) -> list[Row]:
    """Adds the `wanted` nearest other targets to each row; `targets` are their unit vectors. Equal texts count once."""
    first = {row["target"]: place for place, row in reversed(list(enumerate(rows)))}
    texts, places = list(first), list(first.values())
    found = k_nearest(targets, targets[places], wanted + 1).indices.tolist()
    return [
        {**row, "negatives": [texts[place] for place in near if texts[place] != row["target"]][:wanted]}
        for row, near in zip(rows, found, strict=True)
    ]
