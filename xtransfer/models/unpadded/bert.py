"""Computes BERT and XLM-R without padding, with the modules and weights that transformers loaded.

Faster than transformers' layers on packed sequences: one product for queries, keys and values, faster dropout on a CPU,
and a last layer that computes only what is read. For the families in `FAMILIES`, whose layers get positions only from
the embeddings.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from xtransfer.kinds.batches import Batch
from xtransfer.models.unpadded.attention import attention
from xtransfer.models.unpadded.dropout import dropped
from xtransfer.models.unpadded.first_token_attention import attention_of_first
from xtransfer.models.unpadded.interface import positions_of
from xtransfer.models.unpadded.layout import Layout
from xtransfer.models.unpadded.modules import Block, Embeddings, Encoder, Layer

FAMILIES = ("bert", "camembert", "roberta", "xlm-roberta")  # `model_type` of a configuration; mBERT is a bert


def layers_of(encoder: PreTrainedModel) -> int:
    """Returns the number of layers."""
    return len(cast(Encoder, encoder).encoder.layer)


def packed_states(encoder: PreTrainedModel, batch: Batch, plan: Layout, first_only: bool, depth: int) -> Tensor:
    """Returns packed states [tokens, hidden] after `depth` layers.

    With `first_only`, those of each sequence's first token [sequences, hidden], in the order of the layout.
    """
    own = cast(Encoder, encoder)
    found = _embedded(own.embeddings, batch, plan)
    checkpointing = getattr(encoder, "is_activation_checkpointing", False) and encoder.training
    for number, one in enumerate(own.encoder.layer[:depth]):
        step = (one, found, plan, first_only and number == depth - 1)
        found = checkpoint(_layer, *step, use_reentrant=False) if checkpointing else _layer(*step)
    return found.index_select(0, plan.edges[:-1]) if first_only and not depth else found


def _embedded(embeddings: Embeddings, batch: Batch, plan: Layout) -> Tensor:
    """Returns packed embeddings [tokens, hidden]."""
    ids = batch.input_ids
    types = torch.zeros_like(ids) if batch.token_type_ids is None else batch.token_type_ids
    words, places, kinds = (plan.packed(one) for one in (ids, positions_of(embeddings, ids), types))
    summed = embeddings.word_embeddings(words) + embeddings.token_type_embeddings(kinds)
    summed = embeddings.LayerNorm(summed + embeddings.position_embeddings(places))
    return dropped(summed, embeddings.dropout.p if embeddings.training else 0.0)


def _layer(layer: Layer, tokens: Tensor, plan: Layout, first_only: bool) -> Tensor:
    """Returns the next states of packed tokens [tokens, hidden], or of each sequence's first token only."""
    own = layer.attention.self
    rate = own.dropout.p if own.training else 0.0
    if first_only:
        asking = tokens.index_select(0, plan.edges[:-1])
        context = attention_of_first(own, asking, tokens, plan, rate)
    else:
        asking = tokens
        projected = _projected(tokens, own.query, own.key, own.value)
        shape = (-1, 3, own.num_attention_heads, own.attention_head_size)
        context = attention(projected.view(shape), plan, rate, own.scaling)
    attended = _added(layer.attention.output, context.flatten(1), asking)
    return _added(layer.output, layer.intermediate(attended), attended)


def _projected(tokens: Tensor, *layers: nn.Linear) -> Tensor:
    """Returns the concatenated outputs of several linear layers, computed in one product."""
    weight, bias = torch.cat([one.weight for one in layers]), torch.cat([one.bias for one in layers])
    return nn.functional.linear(tokens, weight, bias)


def _added(block: Block, inner: Tensor, outer: Tensor) -> Tensor:
    """Returns the output of a block of dense layer, dropout, residual and norm."""
    rate = block.dropout.p if block.training else 0.0
    found: Tensor = block.LayerNorm(dropped(block.dense(inner).to(outer.dtype), rate) + outer)
    return found
