"""Exact nearest-neighbour search for unit vectors by cosine similarity, in bounded memory.

Candidates are searched block by block: besides the vectors, memory holds one block of similarities and the best
hits so far. Ties go to the first candidate. Vectors stay where they are; blocks of them are compared on the device that
`searching_on` names, in fp32.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

import torch

from xtransfer.base.out_of_memory import is_out_of_memory, release_cached
from xtransfer.base.precision import autocast
from xtransfer.kinds.spec import Prediction

log = logging.getLogger(__name__)

T = TypeVar("T")
VectorSet = torch.Tensor | Sequence[torch.Tensor]  # vectors [n, hidden], or n vectors [hidden]
QUERIES, CANDIDATES = 1024, 16384  # vectors per block: 64 MiB of similarities
GROUP = 64  # columns per group; group maxima are compared first
_DEVICE = ContextVar("device", default="cpu")


@dataclass(frozen=True)
class Hits:
    """The nearest candidates of each query, nearest first."""

    similarities: torch.Tensor  # [queries, k] cosines
    indices: torch.Tensor  # long [queries, k], indices of candidates


@contextmanager
def searching_on(device: str) -> Iterator[None]:
    """Compares vectors on a device; on the CPU from the first search on that does not fit into its memory."""
    token = _DEVICE.set(device)
    try:
        yield
    finally:
        _DEVICE.reset(token)


def similarities(queries: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
    """Returns the dot products [queries, candidates] of two sets of vectors in fp32, on the CPU."""
    return _in_memory(lambda device: _products(queries.to(device), candidates.to(device)).cpu())


def k_nearest(queries: VectorSet, candidates: VectorSet, k: int) -> Hits:
    """Returns the `k` nearest candidates of each query, or all candidates if there are fewer."""
    return _in_memory(lambda device: _k_nearest(queries, candidates, k, device))


def _k_nearest(queries: VectorSet, candidates: VectorSet, k: int, device: str) -> Hits:
    k = min(k, len(candidates))
    best = torch.full((len(queries), k), float("-inf"))
    places = torch.zeros((len(queries), k), dtype=torch.long)
    for first in range(0, len(candidates), CANDIDATES):
        block = _block(candidates, first, CANDIDATES).to(device)
        for start in range(0, len(queries), QUERIES):
            found, where = _best(_products(_block(queries, start, QUERIES).to(device), block), k)
            rows = slice(start, start + len(found))
            both = torch.cat([best[rows], found.cpu()], 1), torch.cat([places[rows], where.cpu() + first], 1)
            best[rows], places[rows] = _falling(*both, k)
    return Hits(best, places)


def _in_memory(search: Callable[[str], T]) -> T:
    """Returns what a search finds on the device that compares, or on the CPU if it does not fit there."""
    device = _DEVICE.get()
    try:
        return search(device)
    except (MemoryError, RuntimeError) as error:
        if device == "cpu" or not is_out_of_memory(error):
            raise
    log.warning("out of memory on %s: comparing vectors on the CPU from now on", device)
    _DEVICE.set("cpu")
    release_cached()
    return search("cpu")


def _products(queries: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
    with autocast("fp32", queries.device.type):
        return queries @ candidates.T


def ranked(queries: VectorSet, candidates: VectorSet, names: Sequence[str], k: int) -> list[Prediction]:
    """Returns, for each query, the names of its `k` nearest candidates and their similarities."""
    found = k_nearest(queries, candidates, k)
    return [
        Prediction([names[place] for place in places], tuple(similarities))
        for places, similarities in zip(found.indices.tolist(), found.similarities.tolist(), strict=True)
    ]


def ratio_margins(found: Hits, back: Hits) -> torch.Tensor:
    """Returns the ratio margins [queries, k] of the pairs in `found`; `back` is the search in the other direction.

    A margin is the pair's cosine divided by the average of two means: the query's and the candidate's mean similarity
    to their nearest neighbours ("ratio" of Artetxe and Schwenk 2019).
    """
    around_candidate = back.similarities.mean(1)[found.indices]
    around_query = found.similarities.mean(1, keepdim=True)
    return found.similarities / ((around_query + around_candidate) / 2)


def _block(vectors: VectorSet, start: int, size: int) -> torch.Tensor:
    part = vectors[start : start + size]
    return part if isinstance(part, torch.Tensor) else torch.stack(list(part))


def _best(similarities: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the `k` highest values of each row and their column indices; ties go to the first column.

    All of them lie in the `k` groups of columns with the highest maxima, so only those groups are searched.
    """
    if k == 1:
        return similarities.max(1, keepdim=True)
    columns = similarities.shape[1]
    if columns < 2 * k * GROUP:
        return _highest(similarities, min(k, columns))
    padded = torch.nn.functional.pad(similarities, (0, -columns % GROUP), value=float("-inf"))
    grouped = torch.unflatten(padded, 1, (-1, GROUP))
    groups = _highest(grouped.amax(-1), k)[1].sort(1).values
    within = grouped.gather(1, groups.unsqueeze(-1).expand(-1, -1, GROUP)).flatten(1)
    values, places = _highest(within, k)
    return values, groups.gather(1, places // GROUP) * GROUP + places % GROUP


def _highest(values: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Like `topk`, but ties go to the first value; `topk` may pick any."""
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
