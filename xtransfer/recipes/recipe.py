"""A recipe: all settings of a training run that change its result, with their source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xtransfer.base.precision import Precision
from xtransfer.base.stage import NOT_IDENTITY
from xtransfer.recipes.dual import DUAL, DualRecipe
from xtransfer.recipes.lora import LoraRecipe

SELECTING = ("evaluate_every", "patience", "dev_rows")  # used only when a checkpoint is selected


def too_few(steps: int, last: int, every: int) -> str:
    """Returns the message for a run that is too short for the checkpoints to average."""
    return (
        f"average_last: {last} checkpoints every {every} steps need at least {(last - 1) * every + 1} steps, and the "
        f"training has {steps}; lower average_last or average_every"
    )


class Recipe(BaseModel):
    """How to train on a benchmark: AdamW with linear decay to zero."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    epochs: float | None = Field(None, gt=0, le=1000, description="Passes over the training rows (or give steps)")
    steps: int | None = Field(None, gt=0, description="Optimizer steps (or give epochs)")
    batch_size: int = Field(32, gt=0, le=65536, description="Rows per optimizer step")
    learning_rate: float = Field(2e-5, gt=0, lt=1, description="Peak learning rate")
    head_lr_factor: float = Field(
        1.0, gt=0, le=1e4, description="Learning rate of the heads, as a multiple of the encoder's"
    )
    layer_decay: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Learning rate of each layer, as a multiple of the one above it; the last has the full rate, the "
        "embeddings come below the first",
    )
    warmup: float = Field(0.0, ge=0, lt=1, description="Share of the steps with a rising learning rate")
    weight_decay: float = Field(0.0, ge=0, lt=1, description="AdamW weight decay (not on biases and norms)")
    clip_norm: float = Field(1.0, gt=0, description="Maximum gradient norm")
    max_length: int = Field(128, ge=8, le=8192, description="Maximum tokens per sequence; longer input is truncated")
    dropout: float | None = Field(None, ge=0, lt=1, description="Dropout everywhere; empty: the encoder's own rates")
    attention_dropout: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Dropout of attention weights; 0 allows faster kernels on a GPU. Empty: as `dropout`, or the "
        "encoder's own rate",
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="Share of each target spread evenly over all labels (kinds with labels only)"
    )
    freeze_embeddings: bool = Field(False, description="Do not train the embeddings")
    pooling: Literal["first", "last"] = Field(
        "first",
        description="Token that heads of one state per text read: the first, or the last, which in a causal decoder "
        "has seen the whole text (kinds that train vectors: see dual.pooling)",
    )
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
    average_last: int | None = Field(
        None,
        ge=2,
        le=1000,
        description="Keep the mean weights of this many checkpoints, the last ones (select=last only); empty: the last",
    )
    average_every: int | None = Field(
        None, gt=0, description="Steps between averaged checkpoints (average_last only); empty: an epoch"
    )
    precision: Precision = Field("fp32", description="Precision of the encoder's products; weights stay fp32")
    restarts: int = Field(0, ge=0, le=10, description="Attempts with further seeds if a run is degenerate")
    lora: LoraRecipe | None = Field(
        None, description="Train low-rank matrices instead of the encoder's weights, such as {rank: 8}; empty: no"
    )
    dual: DualRecipe = Field(DUAL, description="Settings of kinds that train vectors (dual encoders)")
    source: Annotated[str, NOT_IDENTITY] = Field("", description="Paper or script that these values follow")

    @model_validator(mode="before")
    @classmethod
    def _lora_freezes(cls, values: object) -> object:
        """Under LoRA no embedding is trained, so asking for that too is the same recipe, with the same key."""
        if isinstance(values, dict) and values.get("lora") is not None and values.get("freeze_embeddings") is True:
            return {**values, "freeze_embeddings": False}
        return values

    @model_validator(mode="after")
    def _one_length(self) -> Recipe:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give exactly one of epochs and steps")
        for name in SELECTING:
            if self.select == "last" and getattr(self, name) is not None:
                raise ValueError(f"{name} needs select: best")
        return self

    @model_validator(mode="after")
    def _rate_of_heads(self) -> Recipe:
        rate = self.learning_rate * self.head_lr_factor
        if rate >= 1:
            raise ValueError(f"learning_rate times head_lr_factor is {rate:g}; it must be below 1")
        return self

    @model_validator(mode="after")
    def _averages(self) -> Recipe:
        if self.average_every is not None and self.average_last is None:
            raise ValueError("average_every needs average_last, the number of checkpoints to average")
        if self.average_last is not None and self.select == "best":
            raise ValueError("average_last needs select: last; a checkpoint is either selected or averaged")
        if self.average_last is not None and self.lora is not None:
            raise ValueError(
                "average_last cannot be combined with lora (averaging the two matrices does not average their "
                "product); remove one"
            )
        if self.average_last is not None and self.steps is not None and self.average_every is not None:
            first = self.steps - (self.average_last - 1) * self.average_every
            if first < 1:
                raise ValueError(too_few(self.steps, self.average_last, self.average_every))
        return self
