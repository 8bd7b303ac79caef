"""How vectors of a dual encoder are made and compared, apart from its code: a part of a recipe.

Chidambaram et al. 2018: means of the last layer, dot products, five hard negatives to each row. XTREME-R's scripts for
LAReQA and Mewsli-X: first tokens, cosines times a learned scale that begins at 100, negatives of one forward pass.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class DualRecipe(BaseModel):
    """What kinds that train vectors (ranking, response, neighbours, dual-pair) read; others do not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pooling: Literal["mean", "cls"] = Field("mean", description="mean: over all tokens of a text; cls: its first")
    similarity: Literal["dot", "cosine"] = Field("dot", description="How two vectors are compared")
    scale: float = Field(1.0, gt=0, le=1e4, description="What similarities are multiplied with before the softmax")
    learn_scale: bool = Field(False, description="Train the scale too, from there on")
    hard_negatives: int = Field(
        0, ge=0, le=100, description="To each row so many targets most like its own, as the encoder sees them at first"
    )
    negatives_within: int | None = Field(
        None, gt=1, description="Rows that are each other's negatives, part by part of a batch; empty: the whole batch"
    )

    @model_validator(mode="after")
    def _scale_has_a_use(self) -> DualRecipe:
        if self.learn_scale and self.similarity == "dot":
            raise ValueError("a dot product grows with its vectors: a learned scale is for cosine")
        return self


DUAL = DualRecipe()
