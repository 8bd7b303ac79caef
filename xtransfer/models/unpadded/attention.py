"""Attention within each sequence of an unpadded batch, with the best kernel of the device."""

from __future__ import annotations

import logging
from functools import cache

import torch
from torch import Tensor
from torch.nn.attention import varlen
from torch.nn.functional import scaled_dot_product_attention

from xtransfer.models.unpadded import cpu_attention
from xtransfer.models.unpadded.layout import Bucket, Layout
from xtransfer.models.unpadded.modules import Context

log = logging.getLogger(__name__)

_HEAD_MULTIPLE, _LARGEST_HEAD = 8, 256  # head sizes of the flash kernel; scaled_dot_product_attention pads others


def attention(projected: Tensor, layout: Layout, dropout: float, scale: float, window: int | None = None) -> Tensor:
    """Returns contexts [tokens, heads, size] for queries, keys and values [tokens, 3, heads, size].

    All are packed as in `layout`; contexts of its filling are zero. `dropout` applies to the attention weights.
    `window`: tokens that a query sees on either side; None: its whole sequence.
    """
    if _has_varlen(projected, dropout):
        return _varlen(projected, layout, scale, window)
    if projected.device.type == "cpu" and (dropout > 0 or projected.dtype == torch.bfloat16):
        return cpu_attention.attention(projected, layout, dropout, scale, window)
    tokens = [*(bucket.tokens for bucket in layout.buckets), layout.filling]
    each = zip(torch.split(projected, tokens), layout.buckets, strict=False)  # not strict: skips the filling
    parts = [_in_bucket(*one, dropout, scale, window) for one in each]
    if layout.filling:
        parts.append(parts[0].new_zeros(layout.filling, *projected.shape[2:]))
    return torch.cat(parts) if len(parts) > 1 else parts[0]


def _in_bucket(projected: Tensor, bucket: Bucket, dropout: float, scale: float, window: int | None) -> Tensor:
    """Attends within a bucket. Padded keys are masked; outputs of padded queries are never read."""
    queries, keys, values = padded(projected, bucket).permute(2, 0, 3, 1, 4)
    masked = bucket.masked(window, projected.device)
    seen = None if masked is None else ~masked
    found = scaled_dot_product_attention(queries, keys, values, seen, dropout, scale=scale)
    flat = found.transpose(1, 2).flatten(0, 1)
    return flat if bucket.filled is None else flat.index_select(0, bucket.filled)


class _Pad(torch.autograd.Function):
    """Puts tokens at their positions in a bucket. Padding holds any token and gets no gradient: it is never read."""

    @staticmethod
    def forward(context: Context, tokens: Tensor, places: Tensor, filled: Tensor) -> Tensor:
        context.save_for_backward(filled)
        return tokens.index_select(0, places)

    @staticmethod
    def backward(context: Context, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (filled,) = context.saved_tensors
        return gradients[0].index_select(0, filled), None, None


def padded(tokens: Tensor, bucket: Bucket) -> Tensor:
    """Returns the bucket's tokens [tokens, …] as [sequences, longest, …]; its padding must not be read."""
    if bucket.places is not None:
        tokens = _Pad.apply(tokens, bucket.places, bucket.filled)  # type: ignore[no-untyped-call]  # untyped in torch
    return tokens.view(*bucket.shape, *tokens.shape[1:])


def _has_varlen(projected: Tensor, dropout: float) -> bool:
    """Returns whether the device has a kernel for sequences of any length; it needs 16 bits and no dropout.

    It also needs heads of a size that flash attention has; for others, logs once that batches are padded instead.
    """
    if not projected.is_cuda or dropout > 0 or projected.dtype not in (torch.bfloat16, torch.float16):
        return False
    if torch.cuda.get_device_capability(projected.device) < (8, 0):
        return False
    size = projected.shape[-1]
    if size % _HEAD_MULTIPLE == 0 and size <= _LARGEST_HEAD:
        return True
    _tell(size)
    return False


@cache
def _tell(size: int) -> None:
    log.info(
        "attention pads its sequences: the kernel without padding has no heads of size %d (multiples of %d up to %d)",
        size, _HEAD_MULTIPLE, _LARGEST_HEAD,
    )  # fmt: skip


def _varlen(projected: Tensor, layout: Layout, scale: float, window: int | None) -> Tensor:
    queries, keys, values = projected.unbind(1)  # there is no filling on a GPU
    longest, edges = layout.shape[1], layout.edges
    sides = (-1, -1) if window is None else (window, window)
    found = varlen.varlen_attn(queries, keys, values, edges, edges, longest, longest, scale=scale, window_size=sides)
    assert isinstance(found, Tensor)
    return found
