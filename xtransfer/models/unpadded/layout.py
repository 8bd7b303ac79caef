"""Where the tokens of a batch lie when its padding is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

# Of a bucket's length, what its shortest sequence has: padding of attention against the number of calls. Other devices
# take one bucket: a call costs them more than padding.
LEAST_FILLED = {"cpu": 0.85}
_To = Callable[[np.ndarray], Tensor]


@dataclass(frozen=True)
class Bucket:
    """Sequences of like length, which stand side by side among the packed tokens."""

    tokens: int
    shape: tuple[int, int]  # sequences, tokens of the longest
    places: Tensor | None = None  # long [sequences * longest]: the bucket's token of each place; None: none is padding
    padding: Tensor | None = None  # bool [sequences, 1, 1, longest]: where there is no token
    filled: Tensor | None = None  # long [tokens]: the place of each token of the bucket


@dataclass(frozen=True)
class Layout:
    """Packed tokens: sequence by sequence, the longest first (equal ones as they stand in the batch)."""

    shape: tuple[int, int]  # of the padded batch: sequences, tokens of the longest
    places: Tensor  # long [tokens]: where each packed token stands in the padded batch, row after row
    ranks: Tensor  # long [sequences]: at which place each sequence of the batch is packed
    edges: Tensor  # int32 [sequences + 1]: where each packed sequence begins, and where the last one ends
    buckets: tuple[Bucket, ...]
    filling: int  # tokens behind the packed ones, which nobody reads


def layout(lengths: Sequence[int], device: torch.device, multiple: int = 1) -> Layout:
    """The layout of sequences of so many tokens each (one at least), filled up to a multiple."""
    least_filled = LEAST_FILLED.get(device.type, 0.0)
    sizes = np.asarray(lengths, np.int64)
    order = np.argsort(-sizes, kind="stable")
    packed = sizes[order]
    edges = np.concatenate([[0], np.cumsum(packed)])

    def to(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(device, non_blocking=True)

    buckets, first = [], 0
    while first < len(packed):
        end = int(np.searchsorted(-packed, -least_filled * packed[first], side="right"))
        buckets.append(_bucket(packed[first:end], to))
        first = end
    longest = int(packed[0])
    within = np.arange(edges[-1]) - np.repeat(edges[:-1], packed)
    return Layout(
        shape=(len(sizes), longest),
        places=to(np.repeat(order, packed) * longest + within),
        ranks=to(np.argsort(order)),
        edges=to(edges.astype(np.int32)),
        buckets=tuple(buckets),
        filling=-int(edges[-1]) % multiple,
    )


def _bucket(lengths: np.ndarray, to: _To) -> Bucket:
    tokens, shape = int(lengths.sum()), (len(lengths), int(lengths[0]))
    if lengths[-1] == shape[1]:
        return Bucket(tokens, shape)
    real = np.arange(shape[1]) < lengths[:, None]
    filled = np.flatnonzero(real)
    places = np.zeros(real.size, np.int64)  # padding reads the bucket's first token, and nobody reads padding
    places[filled] = np.arange(tokens)
    return Bucket(tokens, shape, to(places), to(~real[:, None, None]), to(filled))
