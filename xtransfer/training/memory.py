"""Splits a batch into micro-batches that fit into memory; the optimizer step is the same on every machine.

After an out-of-memory error, the batch is retried in micro-batches of half as many rows. A loss that compares the rows
of a batch is computed from the outputs of all micro-batches (see `gradient_cache`). If a single row, or a batch that
must not be split, does not fit, activation checkpointing recomputes activations in the backward pass (Chen et al.
2016). Each change is logged. If the operating system killed an attempt, the next one starts with half as many rows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from xtransfer.base.errors import RequestError
from xtransfer.base.out_of_memory import is_out_of_memory, release_cached
from xtransfer.kinds.batches import Batch
from xtransfer.models.model import Model
from xtransfer.training.gradient_cache import GradientCache
from xtransfer.training.process_group import SINGLE_PROCESS, ProcessGroup
from xtransfer.training.state import Values

log = logging.getLogger(__name__)

Named = tuple[str, Batch]  # benchmark, batch of its rows


class MicroBatcher:
    """Adds the gradients of a batch in micro-batches; returns the loss of the whole batch.

    `items` returns how many items the loss of a batch averages over, or None if its rows must stay together. `kills`
    is the number of earlier attempts that the operating system killed. `hardware` names the processor or GPU, since the
    size that fits one says nothing about another.
    """

    def __init__(
        self,
        module: Model,
        encoder: PreTrainedModel,
        items: Callable[[Named], int | None],
        rows: int,
        checkpointing: bool = False,
        kills: int = 0,
        hardware: str = "",
    ) -> None:
        self.module, self.encoder, self.items, self.hardware = module, encoder, items, hardware
        self.rows, self.checkpointing, self.kills = rows, False, kills
        if checkpointing:
            self._checkpoint_activations("estimated memory: one row does not fit")
        self._shrink(kills)

    def __call__(self, loss_of: Callable[[Named], Tensor], named: Named) -> Tensor:
        """Returns the loss. Raises RequestError if the batch does not fit in any way."""
        while True:
            try:
                return self._attempt(loss_of, named)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            # Outside the handler, whose traceback would keep the activations alive.
            self._forget()
            self._make_room(named)

    def compared(self, named: Named, own: Batch | None, group: ProcessGroup = SINGLE_PROCESS) -> Tensor:
        """Adds the gradients of this rank's rows `own` of a batch whose rows are compared; returns the loss.

        Other ranks than the first return zero. All ranks try again together if one runs out of memory.
        """
        name, batch = named
        while True:
            parts = list(own.parts(self.rows)) if own is not None else []
            cache = GradientCache(self.module, name, batch, parts, group)
            fits = _fits(cache.encode)
            if group.everyone(fits):
                cache.gather()
                fits = _fits(cache.backward)
                if group.everyone(fits):
                    return cache.loss
            del cache  # and the activations in it
            self._forget()
            if not fits and own is not None:
                self._make_room((name, own))

    def _forget(self) -> None:
        for parameter in self.module.parameters():
            parameter.grad = None

    def values(self) -> Values:
        """Returns the settings to resume with."""
        return {
            "rows": self.rows,
            "checkpointing": self.checkpointing,
            "kills": self.kills,
            "hardware": self.hardware,
        }

    def restore(self, values: Mapping[str, Any]) -> None:
        """Takes over saved settings; keeps its own if they were found on other hardware."""
        if values.get("hardware", self.hardware) != self.hardware:
            return
        self.rows = values["rows"]
        if values["checkpointing"] and not self.checkpointing:
            self._checkpoint_activations("as before")
        self._shrink(self.kills - values.get("kills", 0))

    def _shrink(self, kills: int) -> None:
        """Halves the micro-batch once for each time the process was killed with the current size."""
        if kills < 1:
            return
        if self.rows >> kills == 0 and not self.checkpointing:
            self._checkpoint_activations("process killed with one row per micro-batch, likely out of memory")
        self.rows = max(1, self.rows >> kills)
        log.warning("process killed, likely out of memory: using micro-batches of %d rows from now on", self.rows)

    def _attempt(self, loss_of: Callable[[Named], Tensor], named: Named) -> Tensor:
        name, batch = named
        whole = self.items(named)
        if len(batch.sizes) <= self.rows or (whole is None and not self.module.compares(name)):
            return _backward(loss_of(named))
        if whole is None:
            return self.compared(named, batch)
        total = torch.zeros((), device=batch.input_ids.device)
        for part in batch.parts(self.rows):
            share = (self.items((name, part)) or 0) / max(1, whole)
            total += _backward(loss_of((name, part)) * share)
        return total

    def _make_room(self, named: Named) -> None:
        release_cached()
        rows = min(self.rows, len(named[1].sizes))
        if rows > 1 and (self.items(named) is not None or self.module.compares(named[0])):
            self.rows = -(-rows // 2)
            log.warning("out of memory: using micro-batches of %d rows from now on", self.rows)
        elif not self.checkpointing:
            self._checkpoint_activations("out of memory with one micro-batch")
        else:
            raise RequestError(
                "out of memory with a single row; lower max_length, use a smaller encoder or a device with more memory "
                "(for a kind whose batches must not be split, lower batch_size)"
            )

    def _checkpoint_activations(self, why: str) -> None:
        if not getattr(self.encoder, "supports_gradient_checkpointing", False):
            raise RequestError(
                f"{why}, and this encoder does not support activation checkpointing; lower max_length or batch_size, "
                "or use a device with more memory"
            )
        self.encoder.activation_checkpointing_enable({"use_reentrant": False})
        self.checkpointing = True
        log.warning("%s: using activation checkpointing from now on (slower)", why)


def _fits(compute: Callable[[], None]) -> bool:
    """Computes; returns False if it ran out of memory."""
    try:
        compute()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


def _backward(loss: Tensor) -> Tensor:
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach()
