"""Attention for each sequence's first token only, without keys and values of the other tokens.

A query times a key equals the query, multiplied by the key's weights, times the key's input state. The mean of values
is the value of the mean state. So no state is projected, and the result is equal up to rounding.
"""

from __future__ import annotations

import torch
from torch import Tensor

from xtransfer.models.unpadded.attention import padded
from xtransfer.models.unpadded.dropout import dropped
from xtransfer.models.unpadded.layout import Bucket, Layout
from xtransfer.models.unpadded.modules import SelfAttention


def attention_of_first(own: SelfAttention, first: Tensor, tokens: Tensor, layout: Layout, dropout: float) -> Tensor:
    """Returns contexts [sequences, heads, size] of states `first` [sequences, hidden] among `tokens` [tokens, hidden].

    Always computed in fp32, since it is a small part of a layer.
    """
    shape = (own.num_attention_heads, own.attention_head_size)
    queries = own.query(first).float().view(-1, *shape) * own.scaling
    with torch.autocast(tokens.device.type, enabled=False):
        through = _by_head(queries, own.key.weight.view(*shape, -1))
        constant = (queries * own.key.bias.view(shape)).sum(-1, keepdim=True)
        sizes = [bucket.shape[0] for bucket in layout.buckets]
        packed = torch.split(tokens.float(), [*(bucket.tokens for bucket in layout.buckets), layout.filling])
        each = zip(torch.split(through, sizes), torch.split(constant, sizes), packed, layout.buckets, strict=False)
        means, shares = zip(*(_mean_state(*one, dropout) for one in each), strict=True)
        values = _by_head(torch.cat(means), own.value.weight.view(*shape, -1).mT)
        found: Tensor = values + torch.cat(shares) * own.value.bias.view(shape)
        return found


def _mean_state(
    through: Tensor, constant: Tensor, tokens: Tensor, bucket: Bucket, dropout: float
) -> tuple[Tensor, Tensor]:
    """Returns weighted means of states [sequences, heads, hidden] and sums of weights [sequences, heads, 1].

    After dropout, weights do not sum to 1.
    """
    states = padded(tokens, bucket)
    scores = through @ states.mT + constant
    if bucket.padding is not None:
        scores = scores.masked_fill(bucket.padding.squeeze(1), float("-inf"))
    weights = dropped(scores.softmax(-1), dropout)
    return weights @ states, weights.sum(-1, keepdim=True)


def _by_head(states: Tensor, weights: Tensor) -> Tensor:
    """Multiplies states [rows, heads, in] by each head's weights [heads, in, out]; returns [rows, heads, out]."""
    return (states.transpose(0, 1) @ weights).transpose(0, 1)
