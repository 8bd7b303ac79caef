"""Pads the sequences of a batch in groups of similar length, for encoders that need padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from xtransfer.kinds.batches import Batch

# What a call of the encoder, forward and backward, costs besides its tokens, in tokens: on a CPU, adding up gradients
# takes the time of so many tokens whatever the size, and starting operations that of so many divided by the squared
# hidden size. Other devices are not worth splitting a batch for.
_PER_CALL, _STARTING = 24.0, 8e5


def tokens_per_call(encoder: PreTrainedModel, device: torch.device) -> float:
    """Returns what a call of an encoder costs on a device, in tokens. Infinity: batches are not split."""
    if device.type != "cpu":
        return float("inf")
    return _PER_CALL + _STARTING / int(encoder.config.hidden_size) ** 2


def parts(batch: Batch, per_call: float, multiple: int = 1) -> list[tuple[Batch, Tensor]]:
    """Splits a batch into groups that cost the least to compute, each with its sequences' indices in the batch.

    A group is padded to its longest sequence, rounded up to a multiple, but not above the batch's.
    """
    found = []
    for group in partition(batch.lengths, per_call):
        longest = min(-(-max(batch.lengths[index] for index in group) // multiple) * multiple, max(batch.lengths))
        indices = torch.tensor(group, device=batch.input_ids.device)
        ids, mask, types = (
            None if one is None else one[indices, :longest]
            for one in (batch.input_ids, batch.attention_mask, batch.token_type_ids)
        )
        assert ids is not None and mask is not None
        lengths = [batch.lengths[index] for index in group]
        part = replace(batch, input_ids=ids, attention_mask=mask, token_type_ids=types, lengths=lengths)
        found.append((part, indices))
    return found


def partition(lengths: Sequence[int], per_call: float) -> list[list[int]]:
    """Returns indices of sequences in groups with the fewest tokens, where each group counts for `per_call` more."""
    if not np.isfinite(per_call):
        return [list(range(len(lengths)))]
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    sizes = np.array([lengths[index] for index in order])
    starts = np.flatnonzero(np.diff(sizes, prepend=sizes[0] + 1))  # groups begin where the length changes
    ends = np.append(starts[1:], len(sizes))
    least, begins = np.zeros(len(starts) + 1), []
    for number, end in enumerate(ends):  # the cheapest groups of the longest `end` sequences
        costs = least[: number + 1] + (end - starts[: number + 1]) * sizes[starts[: number + 1]] + per_call
        begins.append(int(costs.argmin()))
        least[number + 1] = costs.min()
    found, number = [], len(starts)
    while number > 0:
        begin = begins[number - 1]
        found.append(order[starts[begin] : ends[number - 1]])
        number = begin
    return found[::-1]


def together(states: Sequence[Tensor], indices: Sequence[Tensor]) -> Tensor:
    """Returns the groups' states [sequences, tokens, hidden] as one batch, in order; added padding is zero."""
    longest = max(one.shape[1] for one in states)
    padded = [torch.nn.functional.pad(one, (0, 0, 0, longest - one.shape[1])) for one in states]
    return torch.cat(padded).index_select(0, torch.cat(list(indices)).argsort())
