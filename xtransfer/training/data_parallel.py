"""One global batch over the devices of a team: the same step as on one device, up to the order of sums."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from xtransfer.training.memory import InParts, Named
from xtransfer.training.process_group import Team

log = logging.getLogger(__name__)


class Divided:
    """Adds the gradients of a batch, of which each rank computes its own rows; the loss is that of the whole batch.

    Rows that must stay together (a ranking within the batch) are computed by the first rank alone.
    """

    def __init__(self, in_parts: InParts, team: Team) -> None:
        self.in_parts, self.team = in_parts, team
        self.parameters = [one for one in in_parts.module.parameters() if one.requires_grad]
        self.told = False

    def __call__(self, loss_of: Callable[[Named], Tensor], named: Named) -> Tensor:
        loss = self._own(loss_of, named)
        dist.all_reduce(loss)
        self.team.sum_gradients(self.parameters)
        return loss

    def values(self) -> dict[str, Any]:
        return self.in_parts.values()

    def restore(self, values: Mapping[str, Any]) -> None:
        self.in_parts.restore(values)

    def _own(self, loss_of: Callable[[Named], Tensor], named: Named) -> Tensor:
        """What this rank's rows add to the loss; 0 where it has none."""
        name, batch = named
        whole, size = self.in_parts.items(named), self.team.size
        nothing = torch.zeros((), device=batch.input_ids.device)
        if whole is None:
            self._tell(name)
            return self.in_parts(loss_of, named) if self.team.first else nothing
        rows = -(-len(batch.sizes) // size)
        own = list(batch.parts(rows))[self.team.rank :][:1]
        if not own:
            return nothing
        share = (self.in_parts.items((name, own[0])) or 0) / max(1, whole)
        return self.in_parts(lambda part: loss_of(part) * share, (name, own[0]))

    def _tell(self, name: str) -> None:
        if not self.told and self.team.first:
            log.warning("%s compares the rows of a batch with each other: one device computes its batches", name)
        self.told = True
