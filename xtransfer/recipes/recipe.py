"""A recipe: every setting of one training run that changes its result, written down with its source."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xtransfer.recipes.dual import DUAL, DualRecipe

_LATER = ("precision", "restarts", "dual", "patience", "dev_rows")

SELECTING = ("evaluate_every", "patience", "dev_rows")  # read only where a checkpoint is selected


class Recipe(BaseModel):
    """How a benchmark is trained on: AdamW with linear decay to zero."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: float | None = Field(None, gt=0, le=1000, description="Passes over the training rows (or give steps)")
    steps: int | None = Field(None, gt=0, description="Optimizer steps (or give epochs)")
    batch_size: int = Field(32, gt=0, le=65536, description="Rows per optimizer step")
    learning_rate: float = Field(2e-5, gt=0, lt=1, description="Peak learning rate")
    warmup: float = Field(0.0, ge=0, lt=1, description="Share of the steps in which the rate rises to its peak")
    weight_decay: float = Field(0.0, ge=0, lt=1, description="AdamW weight decay (not on biases and norms)")
    clip_norm: float = Field(1.0, gt=0, description="Largest gradient norm")
    max_length: int = Field(128, ge=8, le=8192, description="Longest sequence in tokens; longer input is cut")
    dropout: float | None = Field(None, ge=0, lt=1, description="Dropout everywhere; empty: as the encoder says")
    freeze_embeddings: bool = Field(False, description="Leave the embedding tables as they are")
    head: Literal["fresh", "carry"] = Field(
        "fresh", description="carry: start the head from the intermediate's where the two are compatible"
    )
    select: Literal["last", "best"] = Field("last", description="best: the checkpoint with the best English dev score")
    evaluate_every: int | None = Field(None, gt=0, description="Steps between dev evaluations (select=best only)")
    patience: int | None = Field(
        None,
        gt=0,
        description="Dev evaluations without a gain after which training ends (select=best only); empty: all",
    )
    dev_rows: int | None = Field(
        None, gt=0, description="Evaluate on so many dev rows, a part like the whole (select=best only); empty: all"
    )
    precision: Literal["fp32", "bf16"] = Field("fp32", description="bf16: matrix products in it; weights stay fp32")
    restarts: int = Field(0, ge=0, le=10, description="Tries with further seeds where a run turns out degenerate")
    dual: DualRecipe = Field(DUAL, description="How vectors are made and compared, for kinds that train them")
    source: str = Field("", description="The paper or script that these values follow")

    @model_validator(mode="after")
    def _one_length(self) -> Recipe:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give exactly one of epochs and steps")
        for name in SELECTING:
            if self.select == "last" and getattr(self, name) is not None:
                raise ValueError(f"{name} is read only with select: best")
        return self

    def deciding(self) -> dict[str, Any]:
        """What a stage's key is made of: not where values come from, which changes no result; and settings that came
        later only where they are used, so that older results keep their keys."""
        values = self.model_dump(mode="json", exclude={"source"})
        unused = {name for name in _LATER if getattr(self, name) == type(self).model_fields[name].default}
        return {name: value for name, value in values.items() if name not in unused}
