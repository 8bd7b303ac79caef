"""Runs an encoder on packed sequences through transformers' attention interface.

All sequences of a batch are one row without padding; positions start again in each. The model's own layers compute it,
and only its attention is ours, which gets the edges of the sequences. So it works for every architecture that mixes
tokens in attention alone and calls the interface for it; `routes` tries that out before it is used.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from xtransfer.kinds.batches import Batch
from xtransfer.models.unpadded.attention import attention
from xtransfer.models.unpadded.layout import Layout

_NAME = "unpadded"
_REPLACED = "sdpa"  # what padded batches still use, under our name too
_UNKNOWN = ("position_bias", "softcap", "s_aux")  # what some models add to attention


class Interface:
    """Gives an encoder our attention function, which it keeps; `undo` gives it back the one that it had."""

    def __init__(self, encoder: PreTrainedModel) -> None:
        self.encoder = encoder
        encoder.set_attn_implementation(_NAME)

    @staticmethod
    def may_be_used(encoder: PreTrainedModel) -> bool:
        """Returns whether an encoder says that it supports other attention functions, and uses the usual one."""
        implementation = encoder.config._attn_implementation
        return bool(encoder._supports_attention_backend) and implementation in (_NAME, _REPLACED)

    def undo(self) -> None:
        self.encoder.set_attn_implementation(_REPLACED)


def packed_output(encoder: PreTrainedModel, batch: Batch, plan: Layout, all_layers: bool) -> Any:
    """Returns what an encoder with our attention function returns for a packed batch: one row [1, tokens, hidden].

    With `all_layers`, with the states after each layer. Any, because each model has its own class of outputs.
    """
    ids = batch.input_ids
    given = {"input_ids": ids, "position_ids": positions_of(getattr(encoder, "embeddings", None), ids)}
    if batch.token_type_ids is not None:
        given["token_type_ids"] = batch.token_type_ids
    flat = {name: plan.packed(value).unsqueeze(0) for name, value in given.items()}
    # A mask of four dimensions is passed on as it is; for any other, layers with a window would get tokens x tokens.
    unread = torch.empty(1, 1, 1, 1, device=ids.device)
    return encoder(**flat, attention_mask=unread, output_hidden_states=all_layers, layout=plan)


def positions_of(embeddings: Any, ids: Tensor) -> Tensor:  # Any: transformers' classes share no type for them
    """Returns the positions [sequences, tokens] of padded sequences. Some families count from their padding id."""
    if hasattr(embeddings, "create_position_ids_from_input_ids"):
        found: Tensor = embeddings.create_position_ids_from_input_ids(ids, embeddings.padding_idx)
        return found
    return torch.arange(ids.shape[1], device=ids.device).expand(ids.shape)


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    layout: Layout | None = None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **others: Any,  # each model has its own
) -> tuple[Tensor, None]:
    """Returns contexts [1, tokens, heads, size] for packed queries [1, heads, tokens, size]; keys and values alike.

    Without a layout, the batch is padded, and transformers' own function computes it. Raises NotImplementedError for
    what `attention` does not compute.
    """
    if layout is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout, scaling, **others)
    causal = others.get("is_causal")
    if getattr(module, "is_causal", False) if causal is None else causal:
        raise NotImplementedError("causal attention of packed sequences")
    for name in _UNKNOWN:
        if others.get(name) is not None:
            raise NotImplementedError(f"attention of packed sequences with {name}")
    repeats = query.shape[1] // key.shape[1]  # queries share keys and values in some models
    if repeats > 1:
        key, value = key.repeat_interleave(repeats, 1), value.repeat_interleave(repeats, 1)
    # Rotated positions leave queries and keys in fp32, where autocast computes values in bf16.
    projected = torch.stack([one[0].transpose(0, 1).to(value.dtype) for one in (query, key, value)], 1)
    window = None if sliding_window is None else sliding_window - 1  # transformers counts the token itself
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    return attention(projected, layout, dropout, scale, window).unsqueeze(0), None


AttentionInterface.register(_NAME, _attend)
AttentionMaskInterface.register(_NAME, sdpa_mask)
