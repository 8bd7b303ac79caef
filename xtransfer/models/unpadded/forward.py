"""Computes an encoder's hidden states with as little padding as its architecture allows.

The states are the same in every way, up to the order of sums.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from xtransfer.base.errors import RequestError
from xtransfer.base.precision import Precision, autocast
from xtransfer.kinds.batches import Batch
from xtransfer.models.unpadded import bert, groups, interface
from xtransfer.models.unpadded.layout import layout
from xtransfer.models.unpadded.routes import Route, route

_ROUND = 16  # token counts are rounded up to a multiple of this (see `_multiple`)


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
    whatever an encoder that cannot be packed returns there. With `first_only`, only each sequence's first token is
    guaranteed. Without `packed`, the batch is padded as transformers does it. Raises RequestError for a layer that the
    encoder does not have.
    """
    way = route(encoder) if packed else Route.PADDED
    with autocast(precision, batch.input_ids.device.type):
        return _states(encoder, batch, first_only, layer, way).float()


def _states(encoder: PreTrainedModel, batch: Batch, first_only: bool, layer: int | None, way: Route) -> Tensor:
    device = batch.input_ids.device
    if way is Route.PADDED:
        return _chosen(encoder(**batch.inputs(), output_hidden_states=layer is not None), layer)
    if way is Route.GROUPED:
        parts = groups.parts(batch, groups.tokens_per_call(encoder, device), _multiple(device))
        each = [_states(encoder, part, first_only, layer, Route.PADDED) for part, _ in parts]
        return groups.together(each, [indices for _, indices in parts])
    plan = layout(batch.lengths, device, _multiple(device))
    if way is Route.INTERFACE:
        found = _chosen(interface.packed_output(encoder, batch, plan, layer is not None), layer)[0]
        return plan.firsts(found.index_select(0, plan.edges[:-1])) if first_only else plan.padded(found)
    deepest = bert.layers_of(encoder)
    depth = deepest if layer is None else layer
    _check_layer(depth, deepest)
    found = bert.packed_states(encoder, batch, plan, first_only, depth)
    return plan.firsts(found) if first_only else plan.padded(found)


def _multiple(device: torch.device) -> int:
    """Returns a multiple for token counts: on a CPU in bf16, each new shape is compiled, so shapes should repeat."""
    return _ROUND if device.type == "cpu" and torch.is_autocast_enabled("cpu") else 1


def _chosen(output: Any, layer: int | None) -> Tensor:  # each model of transformers has its own class of outputs
    if layer is not None:
        _check_layer(layer, len(output.hidden_states) - 1)
    found: Tensor = output.last_hidden_state if layer is None else output.hidden_states[layer]
    return found


def _check_layer(layer: int, deepest: int) -> None:
    if layer > deepest:
        raise RequestError(f"layer {layer} does not exist: the encoder has layers 0 (embeddings) to {deepest}")
