"""A recipe: all settings of a training run that change its result, with their source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xtransfer.base.precision import Precision
from xtransfer.base.stage import NOT_IDENTITY
from xtransfer.recipes.dual import DUAL, DualRecipe

SELECTING = ("evaluate_every", "patience", "dev_rows")  # used only when a checkpoint is selected


class Recipe(BaseModel):
    """How to train on a benchmark: AdamW with linear decay to zero."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: float | None = Field(None, gt=0, le=1000, description="Passes over the training rows (or give steps)")
    steps: int | None = Field(None, gt=0, description="Optimizer steps (or give epochs)")
    batch_size: int = Field(32, gt=0, le=65536, description="Rows per optimizer step")
    learning_rate: float = Field(2e-5, gt=0, lt=1, description="Peak learning rate")
    warmup: float = Field(0.0, ge=0, lt=1, description="Share of the steps with a rising learning rate")
    weight_decay: float = Field(0.0, ge=0, lt=1, description="AdamW weight decay (not on biases and norms)")
    clip_norm: float = Field(1.0, gt=0, description="Maximum gradient norm")
    max_length: int = Field(128, ge=8, le=8192, description="Maximum tokens per sequence; longer input is truncated")
    dropout: float | None = Field(None, ge=0, lt=1, description="Dropout everywhere; empty: the encoder's own rates")
    freeze_embeddings: bool = Field(False, description="Do not train the embeddings")
    head: Literal["fresh", "carry"] = Field(
        "fresh", description="carry: initialise the head from the intermediate's if they are compatible"
    )
    select: Literal["last", "best"] = Field("last", description="best: the checkpoint with the best English dev score")
    evaluate_every: int | None = Field(None, gt=0, description="Steps between dev evaluations (select=best only)")
    patience: int | None = Field(
        None,
        gt=0,
        description="End training after this many dev evaluations without a gain (select=best only); empty: never",
    )
    dev_rows: int | None = Field(
        None, gt=0, description="Evaluate on a sample of this many dev rows (select=best only); empty: all"
    )
    precision: Precision = Field("fp32", description="Precision of the encoder's products; weights stay fp32")
    restarts: int = Field(0, ge=0, le=10, description="Attempts with further seeds if a run is degenerate")
    dual: DualRecipe = Field(DUAL, description="Settings of kinds that train vectors (dual encoders)")
    source: Annotated[str, NOT_IDENTITY] = Field("", description="Paper or script that these values follow")

    @model_validator(mode="after")
    def _one_length(self) -> Recipe:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give exactly one of epochs and steps")
        for name in SELECTING:
            if self.select == "last" and getattr(self, name) is not None:
                raise ValueError(f"{name} needs select: best")
        return self
