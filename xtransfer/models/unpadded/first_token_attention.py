"""Attention of each sequence's first token alone, without the keys and values of all the others.

A query's product with a key is that of the query, taken through the key's weights, with the state that the key is
made of; and the mean of values is the value of the mean state. So no state is projected, and the result is equal.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from xtransfer.models.unpadded.attention import padded
from xtransfer.models.unpadded.dropout import dropped
from xtransfer.models.unpadded.layout import Bucket, Layout


def attention_of_first(own: Any, first: Tensor, tokens: Tensor, layout: Layout, dropout: float) -> Tensor:
    """Contexts [sequences, heads, size] of first states [sequences, hidden] and packed states [tokens, hidden].

    `own` is the self attention of a layer. Computed in fp32, whatever the precision: it is a small part of a layer.
    """
    shape = (own.num_attention_heads, own.attention_head_size)
    queries = own.query(first).float().view(-1, *shape) * own.scaling
    with torch.autocast(tokens.device.type, enabled=False):
        through = _by_head(queries, own.key.weight.view(*shape, -1))
        constant = (queries * own.key.bias.view(shape)).sum(-1, keepdim=True)
        sizes = [bucket.shape[0] for bucket in layout.buckets]
        packed = tokens.float().split([*(bucket.tokens for bucket in layout.buckets), layout.filling])
        each = zip(through.split(sizes), constant.split(sizes), packed, layout.buckets, strict=False)
        means, shares = zip(*(_mean_state(*one, dropout) for one in each), strict=True)
        values = _by_head(torch.cat(means), own.value.weight.view(*shape, -1).mT)
        found: Tensor = values + torch.cat(shares) * own.value.bias.view(shape)
        return found


def _mean_state(
    through: Tensor, constant: Tensor, tokens: Tensor, bucket: Bucket, dropout: float
) -> tuple[Tensor, Tensor]:
    """Weighted means of the states [sequences, heads, hidden], and sums of the weights [sequences, heads, 1].

    Weights that dropout has passed over do not sum to 1.
    """
    states = padded(tokens, bucket)
    scores = through @ states.mT + constant
    if bucket.padding is not None:
        scores = scores.masked_fill(bucket.padding.squeeze(1), float("-inf"))
    weights = dropped(scores.softmax(-1), dropout)
    return weights @ states, weights.sum(-1, keepdim=True)


def _by_head(states: Tensor, weights: Tensor) -> Tensor:
    """[rows, heads, out] of states [rows, heads, in] and the weights of each head [heads, in, out]."""
    return (states.transpose(0, 1) @ weights).transpose(0, 1)
