"""The ranks that train one run together: shared decisions and summed gradients.

Every rank holds the whole model, gets the same batches and computes its own rows of each. Gradients are summed once
per step, so every rank takes the same step. Each rank is a process (see `ranks`); a group of one needs no
communication.
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
_BUCKET = 1 << 24  # numbers summed per message: 64 MB in fp32


@dataclass(frozen=True)
class ProcessGroup:
    """One rank's view of the ranks that train together. The first rank writes, evaluates and decides."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def from_first(self, make: Callable[[], T]) -> T:
        """Returns what the first rank makes, on all ranks; it must be picklable."""
        if self.size == 1:
            return make()
        held = [make() if self.first else None]
        dist.broadcast_object_list(held, src=0, device=torch.device("cpu"))
        return held[0]  # type: ignore[return-value]

    def agreed(self, opinion: bool) -> bool:
        """Returns the first rank's opinion, so that ranks whose clocks differ act alike."""
        if self.size == 1:
            return opinion
        flag = torch.tensor([opinion])
        dist.broadcast(flag, src=0)
        return bool(flag)

    def everyone(self, opinion: bool) -> bool:
        """Returns whether all ranks hold this opinion."""
        if self.size == 1:
            return opinion
        flag = torch.tensor(int(opinion))
        dist.all_reduce(flag, dist.ReduceOp.MIN)
        return bool(flag)

    def concatenated(self, own: Tensor | None, device: torch.device) -> tuple[Tensor, int]:
        """Returns the ranks' tensors in one, in the order of ranks, and where this rank's own starts.

        They are equal but for the first dimension; None stands for a tensor without entries, which not all may have.
        """
        if self.size == 1:
            assert own is not None
            return own, 0
        shape = [0] * 8 if own is None else [own.dim(), *own.shape[1:]] + [0] * (8 - own.dim())
        common = torch.tensor(shape)
        dist.all_reduce(common, dist.ReduceOp.MAX)
        lengths = torch.zeros(self.size, dtype=torch.long)
        lengths[self.rank] = 0 if own is None else len(own)
        dist.all_reduce(lengths)
        start = int(lengths[: self.rank].sum())
        whole = torch.zeros(int(lengths.sum()), *common[1 : int(common[0])].tolist(), device=device)
        if own is not None:
            whole[start : start + len(own)] = own
        dist.all_reduce(whole)
        return whole, start

    def share(self, tensors: Iterable[Tensor]) -> None:
        """Copies the first rank's values to all ranks, in place."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor.detach(), src=0)

    def sum_gradients(self, parameters: Sequence[Tensor]) -> None:
        """Sums the gradients of all ranks. A parameter without a gradient on any rank keeps none.

        Those are heads of other benchmarks, which the optimizer must skip.
        """
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
        """Yields the batches from step `first` on, with dropout that differs between ranks.

        Ranks other than the first reseed in each step, so they have no random state to save. The first continues with
        its own generators, like a run on one device.
        """
        for step, batch in enumerate(batches, start=first):
            if not self.first:
                torch.manual_seed(derived(seed, "dropout", self.rank, step))
            yield batch


SINGLE_PROCESS = ProcessGroup()


def _buckets(tensors: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    """Groups consecutive tensors up to the bucket size; a larger tensor is alone."""
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
    for one, summed in zip(bucket, torch.split(flat, [one.numel() for one in bucket]), strict=True):
        one.copy_(summed.view_as(one))
