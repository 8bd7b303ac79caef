"""One global batch in parts that fit into memory: the same step, whatever the machine holds.

What runs out of memory is tried again in parts of half as many rows. Where one row alone, or a batch that cannot be
parted, does not fit, activations are computed again in the backward pass instead of being kept (Chen et al. 2016).
Each time it is said. Where the kernel killed a try instead, the next one begins with half.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from xtransfer.base.errors import RequestError
from xtransfer.kinds.batches import Batch

log = logging.getLogger(__name__)

Named = tuple[str, Batch]  # benchmark, a batch of its rows


class InParts:
    """Adds the gradients of a batch part by part; the loss is that of the whole batch.

    `items` says how many items the loss of a batch is the mean of; None where its rows must stay together. `kills`:
    tries before that were killed for want of memory.
    """

    def __init__(
        self,
        module: nn.Module,
        encoder: Any,
        items: Callable[[Named], int | None],
        rows: int,
        sparing: bool = False,
        kills: int = 0,
    ) -> None:
        self.module, self.encoder, self.items = module, encoder, items
        self.rows, self.sparing, self.kills = rows, False, kills
        if sparing:
            self._spare("by the estimate, one row does not fit")
        self._learn(kills)

    def __call__(self, loss_of: Callable[[Named], Tensor], named: Named) -> Tensor:
        """The loss. Raises RequestError where nothing makes the batch fit."""
        while True:
            try:
                return self._attempt(loss_of, named)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            # Outside of the handler, whose traceback would hold on to the activations.
            for parameter in self.module.parameters():
                parameter.grad = None
            self._give_way(named)

    def values(self) -> dict[str, Any]:
        """What a resumed run begins with."""
        return {"rows": self.rows, "sparing": self.sparing, "kills": self.kills}

    def restore(self, values: Mapping[str, Any]) -> None:
        self.rows = values["rows"]
        if values["sparing"] and not self.sparing:
            self._spare("as before")
        self._learn(self.kills - values.get("kills", 0))

    def _learn(self, kills: int) -> None:
        """Give way as often as the process was killed with these parts."""
        if kills < 1:
            return
        if self.rows >> kills == 0 and not self.sparing:
            self._spare("killed for want of memory with one row")
        self.rows = max(1, self.rows >> kills)
        log.warning("killed for want of memory: batches are computed in parts of %d rows from here on", self.rows)

    def _attempt(self, loss_of: Callable[[Named], Tensor], named: Named) -> Tensor:
        name, batch = named
        whole = self.items(named)
        if whole is None or len(batch.sizes) <= self.rows:
            return _backward(loss_of(named))
        total = torch.zeros((), device=batch.input_ids.device)
        for part in batch.parts(self.rows):
            share = (self.items((name, part)) or 0) / max(1, whole)
            total += _backward(loss_of((name, part)) * share)
        return total

    def _give_way(self, named: Named) -> None:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        rows = min(self.rows, len(named[1].sizes))
        if rows > 1 and self.items(named) is not None:
            self.rows = -(-rows // 2)
            log.warning("out of memory: batches are computed in parts of %d rows from here on", self.rows)
        elif not self.sparing:
            self._spare("out of memory with one part")
        else:
            raise RequestError(
                "one row and its activations do not fit into memory; lower max_length, take a smaller encoder, or a "
                "device with more memory (of rows that must stay together, lower batch_size)"
            )

    def _spare(self, why: str) -> None:
        if not getattr(self.encoder, "supports_gradient_checkpointing", False):
            raise RequestError(
                f"{why}, and this encoder cannot compute activations twice; lower max_length or batch_size, or take a "
                "device with more memory"
            )
        self.encoder.activation_checkpointing_enable({"use_reentrant": False})
        self.sparing = True
        log.warning("%s: activations are computed twice instead of being kept from here on", why)


def is_out_of_memory(error: BaseException) -> bool:
    """A device's, Python's, or that of torch's allocator on the CPU, which has no class of its own."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def _backward(loss: Tensor) -> Tensor:
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach()
