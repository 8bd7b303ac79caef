"""From the states of a sequence to its vector."""

from __future__ import annotations

from typing import Any

import torch

from xtransfer.data.batches import Batch
from xtransfer.packed.forward import states
from xtransfer.pooling import Pooling


def pooled(encoder: Any, batch: Batch, pooling: Pooling) -> torch.Tensor:
    """Vectors [sequences, hidden] of a batch; raises RequestError for a layer that the encoder lacks."""
    found = states(encoder, batch, first_only=pooling.how == "cls", layer=pooling.layer)
    if pooling.how == "cls":
        return found[:, 0]
    mask = batch.attention_mask.unsqueeze(-1).to(found.dtype)
    means: torch.Tensor = (found * mask).sum(1) / mask.sum(1)
    return means
