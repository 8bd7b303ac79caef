"""Attention of packed sequences on a CPU, forward and backward, with batched fp32 products.

The CPU's fused kernel has no dropout, and compiles its bf16 products for each new shape. With separate operations,
autograd would copy and keep several times as much.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from xtransfer.models.unpadded.dropout import factors
from xtransfer.models.unpadded.layout import Bucket, Layout
from xtransfer.models.unpadded.modules import Context


def attention(projected: Tensor, layout: Layout, dropout: float, scale: float, window: int | None = None) -> Tensor:
    """Returns contexts [tokens, heads, size] for queries, keys and values [tokens, 3, heads, size], packed alike."""
    settings = (layout, dropout, scale, window)
    found: Tensor = _Attention.apply(projected, *settings)  # type: ignore[no-untyped-call]  # untyped in torch
    return found


class _Context(Context):
    layout: Layout
    scale: float
    like: Tensor


class _Attention(torch.autograd.Function):
    @staticmethod
    # Keeps the products and the saved tensors out of bf16. torch does not type this decorator.
    @torch.autocast("cpu", enabled=False)  # type: ignore[untyped-decorator]
    def forward(
        context: _Context, projected: Tensor, layout: Layout, dropout: float, scale: float, window: int | None
    ) -> Tensor:
        heads, kept = projected.shape[2], []
        found = projected.new_zeros(len(projected), 1, *projected.shape[2:])
        for bucket, own, goal in _buckets(layout, projected, found):
            queries, keys, values = _padded(own, bucket)
            scores = queries.mul_(scale) @ keys.mT
            masked = bucket.masked(window, projected.device)
            if masked is not None:
                least = torch.zeros(masked.shape).masked_fill_(masked, float("-inf"))
                scores.view(-1, heads, *scores.shape[1:]).add_(least)  # broadcast masks are several times as slow
            weights = scores.softmax(-1)
            drawn = factors(weights.shape, dropout) if dropout else weights.new_empty(0)
            _pack(((weights * drawn if dropout else weights) @ values).unsqueeze(0), goal, bucket)
            kept += [queries, keys, values, weights, drawn]
        context.save_for_backward(*kept)
        context.layout, context.scale, context.like = layout, scale, projected
        return found.squeeze(1)

    @staticmethod
    @torch.autocast("cpu", enabled=False)  # type: ignore[untyped-decorator]  # as above
    def backward(context: _Context, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        layout, kept = context.layout, iter(context.saved_tensors)
        outer = gradients[0].unsqueeze(1)
        found = torch.zeros_like(context.like)
        for bucket, own, goal in _buckets(layout, outer, found):
            queries, keys, values, weights, drawn = (next(kept) for _ in range(5))
            (given,) = _padded(own, bucket, of_padding=False)
            used, of_weights = weights, given @ values.mT
            if len(drawn):
                used, of_weights = weights * drawn, of_weights.mul_(drawn)
            of_weights *= weights
            of_scores = torch.addcmul(of_weights, weights, of_weights.sum(-1, keepdim=True), value=-1)
            parts = queries.new_empty(3, *queries.shape)
            torch.bmm(of_scores, keys, out=parts[0]).mul_(context.scale)
            torch.bmm(of_scores.mT, queries, out=parts[1])
            torch.bmm(used.mT, given, out=parts[2])
            _pack(parts, goal, bucket)
        return found, None, None, None, None


def _buckets(layout: Layout, one: Tensor, other: Tensor) -> Iterator[tuple[Bucket, Tensor, Tensor]]:
    """Yields each bucket with its tokens from two packed tensors."""
    sizes = [*(bucket.tokens for bucket in layout.buckets), layout.filling]
    parts = torch.split(one, sizes), torch.split(other, sizes)
    return zip(layout.buckets, *parts, strict=False)  # not strict: skips the filling


def _padded(tokens: Tensor, bucket: Bucket, of_padding: bool = True) -> Tensor:
    """Returns a bucket's tokens [tokens, parts, heads, size] as fp32 [parts, sequences * heads, longest, size].

    Padding holds arbitrary tokens, or zeros if not `of_padding`.
    """
    if bucket.places is not None and bucket.filled is not None:
        if of_padding:
            tokens = tokens.index_select(0, bucket.places)
        else:
            tokens = tokens.new_zeros(len(bucket.places), *tokens.shape[1:]).index_copy_(0, bucket.filled, tokens)
    parts, heads, size = tokens.shape[1:]
    (sequences, longest) = bucket.shape
    found = torch.empty(parts, sequences, heads, longest, size)
    found.copy_(tokens.view(sequences, longest, parts, heads, size).permute(2, 0, 3, 1, 4))
    return found.view(parts, sequences * heads, longest, size)


def _pack(found: Tensor, goal: Tensor, bucket: Bucket) -> None:
    """Inverse of `_padded`: writes `found` into the bucket's tokens `goal`."""
    parts, _, longest, size = found.shape
    sequences, heads = bucket.shape[0], goal.shape[2]
    in_order = found.view(parts, sequences, heads, longest, size).permute(1, 3, 0, 2, 4)
    if bucket.filled is None:
        goal.view(in_order.shape).copy_(in_order)
    else:
        with_padding = goal.new_empty(in_order.shape).copy_(in_order).flatten(0, 1)
        torch.index_select(with_padding, 0, bucket.filled, out=goal)
