"""Dropout that draws 16 bits for each element, which takes a CPU a fraction of the time of torch's own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_STEPS = 1 << 16  # so finely a rate is kept: 0.1 as 0.100006


def dropped(states: Tensor, rate: float) -> Tensor:
    """States of which that share is zero, and the others larger by as much: the mean stays."""
    if rate == 0:
        return states
    if states.device.type != "cpu":
        return torch.nn.functional.dropout(states, rate)
    return states * factors(states.shape, rate)


def factors(shape: Sequence[int], rate: float) -> Tensor:
    """What dropout multiplies states of that shape with, fp32 on the CPU: 0, or what keeps the mean."""
    level = max(1, round(rate * _STEPS))
    count = torch.Size(shape).numel()
    words = torch.empty((count + 3) // 4, dtype=torch.int64).random_(-(1 << 63), None)  # type: ignore[call-overload]
    last = level - _STEPS // 2 - 1  # the largest number that falls
    # Clamping is several times as fast as comparing, whose outcomes are single bytes.
    kept = words.view(torch.int16)[:count].clamp_(last, last + 1).sub_(last)
    return kept.float().mul_(_STEPS / (_STEPS - level)).view(shape)
