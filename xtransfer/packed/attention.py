"""Attention within each sequence of a packed batch, by the kernel that the device has."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import varlen
from torch.nn.functional import scaled_dot_product_attention

from xtransfer.packed.dropout import dropped
from xtransfer.packed.layout import Bucket, Layout


def attention(queries: Tensor, read: Tensor, layout: Layout, dropout: float, scale: float) -> Tensor:
    """Contexts [queries, heads, size] of queries [tokens, heads, size] and keys with values [tokens, 2, heads, size].

    All are packed as `layout` says. With one query per sequence instead of one per token, in packed order too, as
    many contexts. `dropout` is that of the attention weights.
    """
    if _has_varlen(queries, dropout):
        return _varlen(queries, read, layout, scale)
    of_all = len(queries) == len(read)
    tokens = [*(bucket.tokens for bucket in layout.buckets), layout.filling]
    asked = queries.split(tokens if of_all else [bucket.shape[0] for bucket in layout.buckets])
    each = zip(asked, read.split(tokens), layout.buckets, strict=False)  # not for the filling
    parts = [_in_bucket(*one, of_all, dropout, scale) for one in each]
    if of_all and layout.filling:
        parts.append(parts[0].new_zeros(layout.filling, *queries.shape[1:]))
    return torch.cat(parts) if len(parts) > 1 else parts[0]


def _in_bucket(queries: Tensor, read: Tensor, bucket: Bucket, of_all: bool, dropout: float, scale: float) -> Tensor:
    """Padding within the bucket is masked: keys by the mask, queries by never being read."""
    asked = _padded(queries, bucket).transpose(1, 2) if of_all else queries.unsqueeze(2)
    keys, values = _padded(read, bucket).permute(2, 0, 3, 1, 4)
    if queries.device.type == "cpu" and (dropout > 0 or queries.dtype == torch.bfloat16):
        found = _plain(asked, keys, values, bucket.padding, dropout, scale)
    else:
        real = None if bucket.padding is None else ~bucket.padding
        found = scaled_dot_product_attention(asked, keys, values, real, dropout, scale=scale)
    flat = found.transpose(1, 2).flatten(0, 1)
    return flat.index_select(0, bucket.filled) if of_all and bucket.filled is not None else flat


def _plain(
    queries: Tensor, keys: Tensor, values: Tensor, padding: Tensor | None, dropout: float, scale: float
) -> Tensor:
    """By products in fp32: on a CPU the fused kernel has no dropout, and bf16 is compiled for each new shape."""
    with torch.autocast("cpu", enabled=False):
        weights = (queries.float() * scale) @ keys.float().mT
        if padding is not None:
            weights = weights.masked_fill(padding, float("-inf"))
        return (dropped(weights.softmax(-1), dropout) @ values.float()).to(queries.dtype)


class _Pad(torch.autograd.Function):
    """Tokens at their places in a bucket. Padding holds any token, and has no gradient: nobody reads it."""

    @staticmethod
    def forward(context: Any, tokens: Tensor, places: Tensor, filled: Tensor) -> Tensor:
        context.save_for_backward(filled)
        return tokens.index_select(0, places)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (filled,) = context.saved_tensors
        return gradients[0].index_select(0, filled), None, None


def _padded(tokens: Tensor, bucket: Bucket) -> Tensor:
    """[sequences, longest, …] of the bucket's tokens [tokens, …]."""
    if bucket.places is not None:
        tokens = _Pad.apply(tokens, bucket.places, bucket.filled)
    return tokens.view(*bucket.shape, *tokens.shape[1:])


def _has_varlen(queries: Tensor, dropout: float) -> bool:
    """Whether the device has a kernel for sequences of any length: it takes 16 bits and no dropout."""
    return (
        queries.is_cuda
        and dropout == 0
        and queries.dtype in (torch.bfloat16, torch.float16)
        and torch.cuda.get_device_capability(queries.device) >= (8, 0)
    )


def _varlen(queries: Tensor, read: Tensor, layout: Layout, scale: float) -> Tensor:
    keys, values = read.unbind(1)
    sequences, longest = layout.shape
    of_all = len(queries) == len(keys)  # without filling, which a GPU has no use for
    edges = layout.edges if of_all else torch.arange(sequences + 1, dtype=torch.int32, device=queries.device)
    found = varlen.varlen_attn(
        queries, keys, values, edges, layout.edges, longest if of_all else 1, longest, scale=scale
    )
    assert isinstance(found, Tensor)
    return found
