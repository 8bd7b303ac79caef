"""Pools the hidden states of a sequence to one vector."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel

from xtransfer.base.precision import Precision
from xtransfer.kinds.batches import Batch
from xtransfer.kinds.vector_heads import text_vectors
from xtransfer.models.unpadded.forward import states
from xtransfer.recipes.pooling import Pooling


def pooled(encoder: PreTrainedModel, batch: Batch, pooling: Pooling, precision: Precision = "fp32") -> torch.Tensor:
    """Returns fp32 vectors [sequences, hidden] of a batch, from states computed in `precision`.

    Raises RequestError for a layer that the encoder lacks.
    """
    found = states(encoder, batch, first_only=pooling.how == "cls", layer=pooling.layer, precision=precision)
    return text_vectors(found, batch, pooling.how)
