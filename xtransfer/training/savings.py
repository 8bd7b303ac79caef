"""Computation that a run can skip without changing its result."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Savings:
    """Each can be turned off, to show that it changes only the time."""

    packed: bool = True  # no padding, and in the last layer only what the head reads
    trimmed: bool = True  # no embeddings of tokens that the data does not contain


ALL = Savings()
