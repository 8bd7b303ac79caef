"""From the states of a sequence to its vector."""

from __future__ import annotations

from typing import Any

import torch

from xtransfer.base.precision import Precision
from xtransfer.kinds.batches import Batch
from xtransfer.kinds.vector_heads import text_vectors
from xtransfer.models.unpadded.forward import states
from xtransfer.recipes.pooling import Pooling


def pooled(encoder: Any, batch: Batch, pooling: Pooling, precision: Precision = "fp32") -> torch.Tensor:
    """Vectors [sequences, hidden] of a batch, in fp32 from states computed in `precision`.

    Raises RequestError for a layer that the encoder lacks.
    """
    found = states(encoder, batch, first_only=pooling.how == "cls", layer=pooling.layer, precision=precision)
    return text_vectors(found, batch, pooling.how)
