"""What retrieval compares: the layer and the pooling, written down with each score.

Published retrieval numbers differ by tens of points with this choice. google-research/xtreme pools the mean
over all tokens, special ones included, of layer 8 of mBERT and layer 14 of XLM-R Large for Tatoeba.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from xtransfer.base.declared import Value


class Pooling(Value):
    """Which states retrieval compares."""

    layer: int | None = Field(None, ge=0, description="Layer to pool, 0: embeddings; empty: the last")
    how: Literal["mean", "cls"] = Field(
        "mean", description="mean: over all tokens, special ones included; cls: the first"
    )


MEAN_OF_LAST = Pooling()
