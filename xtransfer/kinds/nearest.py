"""Nearest neighbours of unit vectors by cosine: exact, and in bounded memory.

Candidates are read block by block, so that beside the vectors themselves only one block of similarities and the
best ones so far are held. Of equally near candidates the first is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from xtransfer.kinds.spec import Prediction

Several = torch.Tensor | Sequence[torch.Tensor]  # vectors [n, hidden], or n vectors [hidden]
QUERIES, CANDIDATES = 1024, 16384  # vectors in a block: 64 MiB of similarities
GROUP = 64  # columns whose highest is looked at first


@dataclass(frozen=True)
class Neighbours:
    """Of each query its nearest candidates, the nearest first."""

    similarities: torch.Tensor  # [queries, neighbours] cosines
    places: torch.Tensor  # long [queries, neighbours], of the candidates


def neighbours(queries: Several, candidates: Several, k: int) -> Neighbours:
    """The `k` nearest candidates of each query, or all where there are fewer."""
    k = min(k, len(candidates))
    similarities = torch.full((len(queries), k), float("-inf"))
    places = torch.zeros((len(queries), k), dtype=torch.long)
    for first in range(0, len(candidates), CANDIDATES):
        block = _block(candidates, first, CANDIDATES)
        for start in range(0, len(queries), QUERIES):
            found, where = _best(_block(queries, start, QUERIES) @ block.T, k)
            rows = slice(start, start + len(found))
            both = torch.cat([similarities[rows], found.cpu()], 1), torch.cat([places[rows], where.cpu() + first], 1)
            similarities[rows], places[rows] = _falling(*both, k)
    return Neighbours(similarities, places)


def ranked(queries: Several, candidates: Several, names: Sequence[str], k: int) -> list[Prediction]:
    """Of each query the names of its `k` nearest candidates, and how near they are."""
    found = neighbours(queries, candidates, k)
    return [
        Prediction([names[place] for place in places], tuple(similarities))
        for places, similarities in zip(found.places.tolist(), found.similarities.tolist(), strict=True)
    ]


def ratio_margins(found: Neighbours, back: Neighbours) -> torch.Tensor:
    """Margins [queries, neighbours] of the pairs in `found`; `back` holds the candidates' own neighbours.

    The cosine over the mean of two means: of the query's neighbourhood and of the candidate's (Artetxe and
    Schwenk 2019, "ratio").
    """
    around_candidate = back.similarities.mean(1)[found.places]
    around_query = found.similarities.mean(1, keepdim=True)
    return found.similarities / ((around_query + around_candidate) / 2)


def _block(vectors: Several, start: int, size: int) -> torch.Tensor:
    part = vectors[start : start + size]
    return part if isinstance(part, torch.Tensor) else torch.stack(list(part))


def _best(similarities: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The `k` highest of each row, and their places, the first ones of equals.

    They are all among the `k` groups of columns whose highest are highest, which is less to look through.
    """
    if k == 1:
        return similarities.max(1, keepdim=True)
    columns = similarities.shape[1]
    if columns < 2 * k * GROUP:
        return _highest(similarities, min(k, columns))
    padded = torch.nn.functional.pad(similarities, (0, -columns % GROUP), value=float("-inf"))
    grouped = padded.unflatten(1, (-1, GROUP))
    groups = _highest(grouped.amax(-1), k)[1].sort(1).values
    within = grouped.gather(1, groups.unsqueeze(-1).expand(-1, -1, GROUP)).flatten(1)
    values, places = _highest(within, k)
    return values, groups.gather(1, places // GROUP) * GROUP + places % GROUP


def _highest(values: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """As `topk`, which takes any of equal values, but the first ones."""
    top, places = values.topk(k)
    more = ((values >= top[:, -1:]).sum(1) > k).nonzero().squeeze(1)
    if len(more):
        ordered = values[more].sort(descending=True, stable=True)
        top[more], places[more] = ordered.values[:, :k], ordered.indices[:, :k]
    by_place = places.argsort(1)
    return _falling(top.gather(1, by_place), places.gather(1, by_place), k)


def _falling(values: torch.Tensor, places: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    ordered = values.sort(descending=True, stable=True)
    return ordered.values[:, :k], places.gather(1, ordered.indices)[:, :k]
