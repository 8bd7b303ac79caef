"""What a run leaves out because its result does not need it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Savings:
    """Each may be turned off, to show that it changes nothing but the time."""

    packed: bool = True  # no padding; and of the last layer only what the head reads
    trimmed: bool = True  # no embeddings that the data never looks up


ALL = Savings()
