"""The devices that train one run together: what they agree on, and how their gradients become one.

Every rank holds the whole model, is given the same batches and computes its own rows of each; gradients are summed once
a step, so that every rank takes the same step. A rank is a process (see `ranks`); alone, there is nothing to agree on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from xtransfer.base.randomness import derived

T = TypeVar("T")
_BUCKET = 1 << 24  # numbers summed by one message: 64 MB in fp32


@dataclass(frozen=True)
class Team:
    """One rank's view of the devices that train together. The first rank writes, measures and decides."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def from_first(self, make: Callable[[], T]) -> T:
        """What the first rank makes, given to all; anything that can be pickled."""
        if self.size == 1:
            return make()
        held = [make() if self.first else None]
        dist.broadcast_object_list(held, src=0, device=torch.device("cpu"))
        return held[0]  # type: ignore[return-value]

    def agreed(self, opinion: bool) -> bool:
        """The first rank's opinion, so that clocks that differ part nobody."""
        if self.size == 1:
            return opinion
        flag = torch.tensor([opinion])
        dist.broadcast(flag, src=0)
        return bool(flag)

    def share(self, tensors: Iterable[Tensor]) -> None:
        """Give the first rank's values to all, in place."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor.detach(), src=0)

    def sum_gradients(self, parameters: Sequence[Tensor]) -> None:
        """Add up the ranks' gradients. A parameter that no rank has a gradient for is left without one: the heads of
        other benchmarks, which the optimizer must pass over."""
        present = torch.tensor([parameter.grad is not None for parameter in parameters], dtype=torch.int32)
        dist.all_reduce(present, dist.ReduceOp.MAX)
        gradients = []
        for parameter, used in zip(parameters, present.tolist(), strict=True):
            if used and parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            if parameter.grad is not None:
                gradients.append(parameter.grad)
        for bucket in _buckets(gradients):
            _sum(bucket)

    def with_own_randomness(self, batches: Iterable[T], seed: int, first: int) -> Iterator[T]:
        """The batches from step `first` on. Ranks after the first draw dropout from a seed of each step, of which
        nothing has to be saved; the first goes on with its generators, as a run on one device does."""
        for step, batch in enumerate(batches, start=first):
            if not self.first:
                torch.manual_seed(derived(seed, "dropout", self.rank, step))
            yield batch


ALONE = Team()


def _buckets(tensors: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    """Neighbours that together are no larger than a bucket; a larger tensor by itself."""
    bucket: list[Tensor] = []
    for tensor in tensors:
        if bucket and sum(one.numel() for one in bucket) + tensor.numel() > _BUCKET:
            yield bucket
            bucket = []
        bucket.append(tensor)
    if bucket:
        yield bucket


def _sum(bucket: list[Tensor]) -> None:
    if len(bucket) == 1 and bucket[0].is_contiguous():
        dist.all_reduce(bucket[0])
        return
    flat = torch.cat([one.reshape(-1) for one in bucket])
    dist.all_reduce(flat)
    for one, summed in zip(bucket, flat.split([one.numel() for one in bucket]), strict=True):
        one.copy_(summed.view_as(one))
