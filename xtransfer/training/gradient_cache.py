"""Gradients of a loss that compares the rows of a batch, with the memory of a micro-batch (Gao et al. 2021, GradCache).

All rows are encoded without a graph; the loss of their outputs gives a gradient for each output; then each micro-batch
is encoded again, with the same dropout, and its outputs' gradients are carried back. The gradients equal those of the
whole batch. Ranks encode their own rows and compare those of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import Tensor

from xtransfer.kinds.batches import Batch
from xtransfer.models.model import Model
from xtransfer.training import state
from xtransfer.training.process_group import ProcessGroup


class GradientCache:
    """One step on a batch of one benchmark. Call `encode`, `gather` and `backward` in this order.

    `parts` are this rank's micro-batches, in order; they may be none. Only `gather` communicates, so `encode` and
    `backward` may fail on one rank without blocking the others.
    """

    def __init__(self, model: Model, name: str, batch: Batch, parts: Sequence[Batch], group: ProcessGroup) -> None:
        self.model, self.name, self.batch, self.parts, self.group = model, name, batch, parts, group
        self.device = str(batch.input_ids.device)
        self.random: list[dict[str, Tensor]] = []  # before each part
        self.own: list[Tensor] = []  # outputs of each part
        self.start = 0  # of this rank's outputs in the batch

    def encode(self) -> None:
        """Computes the outputs of this rank's parts; a single part keeps its graph, so that it is computed once."""
        with nullcontext() if len(self.parts) == 1 else torch.no_grad():
            for part in self.parts:
                self.random.append(state.random_state(self.device))
                self.own.append(self.model.outputs((self.name, part)))

    def gather(self) -> None:
        """Collects the outputs of all ranks."""
        own = torch.cat([one.detach() for one in self.own]) if self.own else None
        self.outputs, self.start = self.group.concatenated(own, self.batch.input_ids.device)

    def backward(self) -> None:
        """Adds this rank's gradients, those of the head on the first rank; `loss` is then the loss, elsewhere zero."""
        outputs = self.outputs.requires_grad_()
        loss = self.model.head(self.name).loss(outputs, self.batch)
        if self.group.first:
            loss.backward()  # type: ignore[no-untyped-call]
            gradients = outputs.grad
        else:
            (gradients,) = torch.autograd.grad(loss, outputs)
        assert gradients is not None
        place = self.start
        for number, part in enumerate(self.parts):
            found = self.own[number]
            if len(self.parts) > 1:
                state.restore_random(self.random[number], self.device)
                found = self.model.outputs((self.name, part))
            found.backward(gradients[place : place + len(found)])  # type: ignore[no-untyped-call]
            place += len(found)
        self.loss = loss.detach() if self.group.first else torch.zeros_like(loss)
