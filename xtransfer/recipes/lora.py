"""Settings of low-rank adaptation, a part of a recipe; kept apart from its code, which imports torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from xtransfer.base.declared import Value


class LoraRecipe(Value):
    """Low-rank adaptation (LoRA, Hu et al. 2022): trains two thin matrices beside each target layer, and the heads.

    The encoder's own weights stay as they are until the end, when the products of the matrices are added to them.
    """

    rank: int = Field(8, gt=0, le=1024, description="Inner size of the two matrices")
    alpha: int = Field(16, gt=0, le=10_000, description="Their product is scaled by alpha / rank")
    dropout: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Dropout of the matrices' input; above 0, batches of BERT and XLM-R are padded",
    )
    targets: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        (), description="Names of the layers to adapt, such as query and value; empty: attention's queries and values"
    )
