"""From the states of a sequence to its vector."""

from __future__ import annotations

from typing import Any

import torch

from xtransfer.data.batches import Batch
from xtransfer.errors import RequestError
from xtransfer.pooling import Pooling


def pooled(encoder: Any, batch: Batch, pooling: Pooling) -> torch.Tensor:
    """Vectors [sequences, hidden] of a batch; raises RequestError for a layer that the encoder lacks."""
    layer = pooling.layer
    output = encoder(**batch.inputs(), output_hidden_states=layer is not None)
    if layer is not None and layer >= len(output.hidden_states):
        deepest = len(output.hidden_states) - 1
        raise RequestError(f"layer {layer}: the encoder has layers 0 (embeddings) to {deepest}")
    states: torch.Tensor = output.last_hidden_state if layer is None else output.hidden_states[layer]
    if pooling.how == "cls":
        return states[:, 0]
    mask = batch.attention_mask.unsqueeze(-1).to(states.dtype)
    means: torch.Tensor = (states * mask).sum(1) / mask.sum(1)
    return means
