"""Data parallel training: splits a batch over devices; the step equals one device's, up to the order of sums."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from xtransfer.training.memory import MicroBatcher, Named
from xtransfer.training.process_group import ProcessGroup
from xtransfer.training.state import Values

log = logging.getLogger(__name__)


class DataParallel:
    """Sums the gradients of a batch whose rows are split over ranks; returns the loss of the whole batch.

    Where the loss compares rows, each rank encodes its own, and all compare those of all ranks. If rows must stay
    together, the first rank computes the whole batch.
    """

    def __init__(self, micro_batcher: MicroBatcher, process_group: ProcessGroup) -> None:
        self.micro_batcher, self.process_group = micro_batcher, process_group
        self.parameters = [one for one in micro_batcher.module.parameters() if one.requires_grad]
        self.told = False

    def __call__(self, loss_of: Callable[[Named], Tensor], named: Named) -> Tensor:
        loss = self._own(loss_of, named)
        dist.all_reduce(loss)
        self.process_group.sum_gradients(self.parameters)
        return loss

    def values(self) -> Values:
        return self.micro_batcher.values()

    def restore(self, values: Mapping[str, Any]) -> None:
        self.micro_batcher.restore(values)

    def _own(self, loss_of: Callable[[Named], Tensor], named: Named) -> Tensor:
        """Returns this rank's contribution to the loss; 0 if it has no rows."""
        name, batch = named
        whole, size = self.micro_batcher.items(named), self.process_group.size
        nothing = torch.zeros((), device=batch.input_ids.device)
        rows = -(-len(batch.sizes) // size)
        own = list(batch.parts(rows))[self.process_group.rank :][:1]
        if whole is None and self.micro_batcher.module.compares(name):
            return self.micro_batcher.compared(named, own[0] if own else None, self.process_group)
        if whole is None:
            self._tell(name)
            return self.micro_batcher(loss_of, named) if self.process_group.first else nothing
        if not own:
            return nothing
        share = (self.micro_batcher.items((name, own[0])) or 0) / max(1, whole)
        return self.micro_batcher(lambda part: loss_of(part) * share, (name, own[0]))

    def _tell(self, name: str) -> None:
        if not self.told and self.process_group.first:
            log.warning("the rows of %s must stay together, so a single device computes its batches", name)
        self.told = True
