"""Settings of dual encoders, kept apart from their code so that planning does not import torch: a part of a recipe.

Chidambaram et al. 2018 use means of the last layer, dot products and five hard negatives per row. XTREME-R's scripts
for LAReQA and Mewsli-X use first tokens, cosines times a learned scale starting at 100, and the negatives of one
forward pass.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xtransfer.recipes.pooling import Prompt


class DualRecipe(BaseModel):
    """Settings of kinds that train vectors (ranking, response, neighbours, dual-pair); other kinds ignore them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    pooling: Literal["mean", "cls", "last"] = Field(
        "mean", description="Text vector: mean of all tokens, the first (cls) or the last"
    )
    similarity: Literal["dot", "cosine"] = Field("dot", description="Similarity of two vectors")
    scale: float = Field(1.0, gt=0, le=1e4, description="Factor for similarities before the softmax")
    learn_scale: bool = Field(False, description="Train the scale, starting from this value (cosine only)")
    hard_negatives: int = Field(0, ge=0, le=100, description="Hard negatives per row, mined with the initial encoder")
    negatives_within: int | None = Field(
        None, gt=1, description="Size of the blocks of a batch whose rows are each other's negatives; empty: the batch"
    )
    symmetric: bool = Field(False, description="Also rank the first texts for each second one; the loss is the mean")
    skip_duplicates: bool = Field(
        False, description="Do not count rows with an equal text on either side as each other's negatives"
    )
    query_prompt: Prompt = Field("", description="What precedes each first text (query), such as `query: `")
    passage_prompt: Prompt = Field("", description="What precedes each second text (passage), such as `passage: `")

    @model_validator(mode="after")
    def _scale_has_a_use(self) -> DualRecipe:
        if self.learn_scale and self.similarity == "dot":
            raise ValueError("learn_scale needs similarity: cosine; vectors can scale a dot product by their length")
        return self


DUAL = DualRecipe()
