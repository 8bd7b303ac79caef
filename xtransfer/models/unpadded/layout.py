"""The positions of a batch's tokens without padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

# Minimum ratio of shortest to longest sequence in a bucket: trades padding in attention against the number of calls.
# Other devices use one bucket, because a call costs them more than padding.
LEAST_FILLED = {"cpu": 0.85}
_To = Callable[[np.ndarray], Tensor]


@dataclass(frozen=True)
class Bucket:
    """Consecutive packed sequences of similar length."""

    tokens: int
    shape: tuple[int, int]  # sequences, tokens of the longest
    places: Tensor | None = None  # long [sequences * longest]: packed token at each position; None: no padding
    padding: Tensor | None = None  # bool [sequences, 1, 1, longest]: True for padding
    filled: Tensor | None = None  # long [tokens]: position of each token

    def masked(self, window: int | None, device: torch.device) -> Tensor | None:
        """Returns which keys a query does not see; None: it sees all.

        Bool [sequences or 1, 1, tokens or 1, tokens]. `window`: tokens that it sees on either side; None: all of the
        sequence. A padded query always sees itself, because a softmax over nothing would put NaN into gradients.
        """
        longest = self.shape[1]
        if window is None or longest <= window + 1:
            return self.padding
        places = torch.arange(longest, device=device)
        apart = (places[:, None] - places).abs()
        far = (apart > window)[None, None]
        return far if self.padding is None else (self.padding | far) & (apart > 0)


@dataclass(frozen=True)
class Layout:
    """The order of packed tokens: sequence by sequence, longest first (ties in the order of the batch)."""

    shape: tuple[int, int]  # of the padded batch: sequences, tokens of the longest
    places: Tensor  # long [tokens]: index of each packed token in the flattened padded batch
    ranks: Tensor  # long [sequences]: rank of each sequence of the batch in the packed order
    edges: Tensor  # int32 [sequences + 1]: start of each packed sequence, and the end of the last
    buckets: tuple[Bucket, ...]
    filling: int  # extra tokens at the end, which are never read

    def packed(self, padded: Tensor) -> Tensor:
        """Returns values [sequences, tokens] of the padded batch as [tokens]; filling repeats the first."""
        places = nn.functional.pad(self.places, (0, self.filling))
        return padded.flatten().index_select(0, places)

    def firsts(self, packed: Tensor) -> Tensor:
        """Returns packed states of first tokens [sequences, hidden] as [sequences, 1, hidden], in the batch's order."""
        return packed.index_select(0, self.ranks).unsqueeze(1)

    def padded(self, packed: Tensor) -> Tensor:
        """Returns packed states [tokens, hidden] as [sequences, tokens, hidden]; padding is zero."""
        whole = packed.new_zeros(self.shape[0] * self.shape[1], packed.shape[1])
        return whole.index_copy(0, self.places, packed[: len(self.places)]).view(*self.shape, -1)


def layout(lengths: Sequence[int], device: torch.device, multiple: int = 1) -> Layout:
    """Returns the layout for sequences of these lengths (at least 1), filled up to a multiple of `multiple` tokens."""
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
    places = np.zeros(real.size, np.int64)  # padding points to the bucket's first token and is never read
    places[filled] = np.arange(tokens)
    return Bucket(tokens, shape, to(places), to(~real[:, None, None]), to(filled))
