"""Chooses how an encoder's batches are computed, by trying it out on a few short sequences."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum
from functools import cache
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from transformers import PreTrainedModel

from xtransfer.base.out_of_memory import is_out_of_memory
from xtransfer.base.precision import autocast
from xtransfer.kinds.batches import Batch, collate
from xtransfer.kinds.spec import Encoded
from xtransfer.models.pretrained import longest_sequence
from xtransfer.models.trimmed import TrimmedEmbedding
from xtransfer.models.unpadded import bert, groups
from xtransfer.models.unpadded.dropout import draw_here
from xtransfer.models.unpadded.interface import Interface, packed_output
from xtransfer.models.unpadded.layout import layout

log = logging.getLogger(__name__)

_EQUAL = 1e-4  # largest difference, as a share of the largest state; a state that sees another sequence differs more
_LONGEST_WINDOW = 600  # tokens; the trial has a sequence longer than the window


class Route(Enum):
    """How a batch is computed, and what the log says of it."""

    BERT = "packed, with layers of our own"
    INTERFACE = "packed, through transformers' attention interface"
    GROUPED = "padded in groups of similar length"
    PADDED = "padded"


_ROUTES: WeakKeyDictionary[PreTrainedModel, Route] = WeakKeyDictionary()


def route(encoder: PreTrainedModel) -> Route:
    """Returns how an encoder's batches are computed; logs once per model family if they are padded.

    The first call for an encoder may run it on three short sequences, and gives it our attention function if that
    computes the same, and our dropout. Neither weights, training mode nor random numbers change.
    """
    if has_own_layers(encoder):
        return Route.BERT
    if not isinstance(encoder, PreTrainedModel):
        return Route.PADDED
    if encoder not in _ROUTES:
        _ROUTES[encoder] = _tried(encoder)
        draw_here(encoder)
    found = _ROUTES[encoder]
    if found in (Route.GROUPED, Route.PADDED):
        _tell(encoder.config.model_type, found.value)
    return found


def has_own_layers(encoder: PreTrainedModel) -> bool:
    """Returns whether an encoder is of a family that is computed with layers of our own."""
    config = getattr(encoder, "config", None)
    return getattr(config, "model_type", None) in bert.FAMILIES and not getattr(config, "is_decoder", False)


@cache
def _tell(family: str, how: str) -> None:
    log.info("batches of model family '%s' are %s; what it computes without padding would not be the same", family, how)


@torch.no_grad()
def _tried(encoder: PreTrainedModel) -> Route:
    modes = {module: module.training for module in encoder.modules()}
    encoder.eval()
    try:
        device = next(encoder.parameters()).device
        drawn_on = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(drawn_on), autocast("fp32", device.type):
            return _route(encoder, _trial(encoder, device))
    finally:
        for module, mode in modes.items():
            module.training = mode


def _route(encoder: PreTrainedModel, batch: Batch) -> Route:
    real = batch.attention_mask.bool()
    expected = encoder(**batch.inputs()).last_hidden_state[real]

    def equal(compute: Callable[[], Tensor]) -> bool:
        try:
            found = compute()
        except Exception as error:  # each model has its own way to fail without a mask, or with positions
            if is_out_of_memory(error):
                raise
            return False
        same = found.shape == expected.shape
        return same and bool((found - expected).abs().max() <= _EQUAL * expected.abs().max())

    def packed() -> Tensor:
        plan = layout(batch.lengths, batch.input_ids.device)
        return plan.padded(packed_output(encoder, batch, plan, False).last_hidden_state[0])[real]

    def grouped() -> Tensor:
        parts = groups.parts(batch, 0.0)
        states = [encoder(**part.inputs()).last_hidden_state for part, _ in parts]
        return groups.together(states, [indices for _, indices in parts])[real]

    if Interface.may_be_used(encoder) and _window(encoder) <= _LONGEST_WINDOW:
        interface = Interface(encoder)
        if equal(packed):
            return Route.INTERFACE
        interface.undo()
    return Route.GROUPED if equal(grouped) else Route.PADDED


def _window(encoder: PreTrainedModel) -> int:
    """Returns the tokens that a layer with local attention sees; 0 if there are none."""
    return getattr(encoder.config, "sliding_window", None) or 0


def _trial(encoder: PreTrainedModel, device: torch.device) -> Batch:
    """Returns three sequences of different lengths and tokens, one longer than the window of local attention."""
    table = encoder.get_input_embeddings()
    assert isinstance(table.weight, Tensor)
    kept = table.kept if isinstance(table, TrimmedEmbedding) else torch.arange(len(table.weight))
    ids = [number for number in kept.tolist() if number != encoder.config.pad_token_id]
    window = _window(encoder)
    longest = max(24, window + 9) if window <= _LONGEST_WINDOW else 24  # a longer window is never packed
    longest = min(longest, longest_sequence(encoder) or longest)
    lengths = (longest // 2, longest, 3)
    tokens = [ids[place * len(ids) // sum(lengths)] for place in range(sum(lengths))]
    ends = [sum(lengths[: number + 1]) for number in range(len(lengths))]
    sequences = [tuple(tokens[end - length : end]) for end, length in zip(ends, lengths, strict=True)]
    return collate([Encoded((one,), None, 0) for one in sequences], encoder.config.pad_token_id or 0).to(device)
