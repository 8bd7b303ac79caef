"""The layer and pooling that retrieval compares; recorded with each score.

Published retrieval scores differ by tens of points with this choice. For Tatoeba, google-research/xtreme averages all
tokens, including special ones, of layer 8 of mBERT and layer 14 of XLM-R Large.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from xtransfer.base.declared import Value


class Pooling(Value):
    """Which hidden states retrieval compares."""

    layer: int | None = Field(None, ge=0, description="Layer to pool, 0: embeddings; empty: the last")
    how: Literal["mean", "cls"] = Field(
        "mean", description="Text vector: mean of all tokens, including special ones, or the first (cls)"
    )


MEAN_OF_LAST = Pooling()
