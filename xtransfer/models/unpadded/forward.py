"""Computes an encoder's hidden states without padding, with the modules and weights that transformers loaded.

Works for the model families in `FAMILIES`, whose layers get positions only from the embeddings. Other encoders are
called through transformers, with padding. The states are the same either way, up to the order of sums.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from xtransfer.base.errors import RequestError
from xtransfer.base.precision import Precision, autocast
from xtransfer.kinds.batches import Batch
from xtransfer.models.unpadded.attention import attention
from xtransfer.models.unpadded.dropout import dropped
from xtransfer.models.unpadded.first_token_attention import attention_of_first
from xtransfer.models.unpadded.layout import Layout, layout
from xtransfer.models.unpadded.modules import Block, Embeddings, Encoder, Layer

log = logging.getLogger(__name__)

_ROUND = 16  # token counts are rounded up to a multiple of this (see `_multiple`)
FAMILIES = ("bert", "camembert", "roberta", "xlm-roberta")  # `model_type` of a configuration; mBERT is a bert


def states(
    encoder: PreTrainedModel,
    batch: Batch,
    *,
    first_only: bool = False,
    layer: int | None = None,
    packed: bool = True,
    precision: Precision = "fp32",
) -> Tensor:
    """Returns fp32 states [sequences, tokens, hidden] of a batch after a layer (0: embeddings; None: the last layer).

    `precision` applies to the encoder's matrix products. Heads, losses and similarities get fp32 and run outside
    autocast, because with bf16's 8 bits, candidates of a pool or labels of a row would tie. Padding is zero, or
    whatever an encoder outside `FAMILIES` returns there. With `first_only`, only each sequence's first token is
    guaranteed. Raises RequestError for a layer that the encoder does not have.
    """
    with autocast(precision, batch.input_ids.device.type):
        return _states(encoder, batch, first_only, layer, packed).float()


def _states(encoder: PreTrainedModel, batch: Batch, first_only: bool, layer: int | None, packed: bool) -> Tensor:
    if not (packed and can_be_packed(encoder)):
        return _padded(encoder, batch, layer)
    own = cast(Encoder, encoder)
    layers = own.encoder.layer
    depth = len(layers) if layer is None else layer
    _check_layer(depth, len(layers))
    plan = layout(batch.lengths, batch.input_ids.device, _multiple(batch.input_ids.device))
    found = _embedded(own.embeddings, batch, plan)
    checkpointing = getattr(encoder, "is_activation_checkpointing", False) and encoder.training
    for number, one in enumerate(layers[:depth]):
        step = (one, found, plan, first_only and number == depth - 1)
        found = checkpoint(_layer, *step, use_reentrant=False) if checkpointing else _layer(*step)
    if first_only:
        firsts = found if depth else found.index_select(0, plan.edges[:-1])
        return firsts.index_select(0, plan.ranks).unsqueeze(1)
    whole = found.new_zeros(plan.shape[0] * plan.shape[1], found.shape[1])
    return whole.index_copy(0, plan.places, found[: len(plan.places)]).view(*plan.shape, -1)


def can_be_packed(encoder: PreTrainedModel) -> bool:
    """Returns whether an encoder's batches can be unpadded; logs once per model family if not."""
    config = getattr(encoder, "config", None)
    family = getattr(config, "model_type", None)
    if family in FAMILIES and not getattr(config, "is_decoder", False):
        return True
    _tell(family)
    return False


@cache
def _tell(family: str | None) -> None:
    log.info("batches of model family '%s' are padded; padding is removed for: %s", family, ", ".join(FAMILIES))


def _multiple(device: torch.device) -> int:
    """Returns a multiple for token counts: on a CPU in bf16, each new shape is compiled, so shapes should repeat."""
    return _ROUND if device.type == "cpu" and torch.is_autocast_enabled("cpu") else 1


def _embedded(embeddings: Embeddings, batch: Batch, plan: Layout) -> Tensor:
    """Returns packed embeddings [tokens, hidden]. Positions follow the family: XLM-R's start after its padding id."""
    ids = batch.input_ids
    if hasattr(embeddings, "create_position_ids_from_input_ids"):
        positions = embeddings.create_position_ids_from_input_ids(ids, embeddings.padding_idx)
    else:
        positions = torch.arange(ids.shape[1], device=ids.device).expand(ids.shape)
    types = torch.zeros_like(ids) if batch.token_type_ids is None else batch.token_type_ids
    places = nn.functional.pad(plan.places, (0, plan.filling))  # filling repeats the first token
    words, places, kinds = (one.flatten().index_select(0, places) for one in (ids, positions, types))
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


def _padded(encoder: PreTrainedModel, batch: Batch, layer: int | None) -> Tensor:
    output = encoder(**batch.inputs(), output_hidden_states=layer is not None)
    if layer is not None:
        _check_layer(layer, len(output.hidden_states) - 1)
    found: Tensor = output.last_hidden_state if layer is None else output.hidden_states[layer]
    return found


def _check_layer(layer: int, deepest: int) -> None:
    if layer > deepest:
        raise RequestError(f"layer {layer} does not exist: the encoder has layers 0 (embeddings) to {deepest}")
