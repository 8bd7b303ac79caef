"""How a translator is trained on the spot: every setting that changes it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_LATER = ("precision", "embeddings", "by_length")


class TranslatorRecipe(BaseModel):
    """A Transformer of Marian's shape (Junczys-Dowmunt et al. 2018), between one language and several."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocab_size: int = Field(2000, gt=300, description="At most so many subwords, shared by all languages")
    width: int = Field(96, gt=0, description="Hidden size")
    layers: int = Field(2, gt=0, description="Layers of the encoder, and of the decoder")
    heads: int = Field(4, gt=0, description="Attention heads")
    feed_forward: int = Field(192, gt=0, description="Width of the feed-forward layers")
    dropout: float = Field(0.0, ge=0, lt=1)
    steps: int = Field(600, gt=0)
    batch_size: int = Field(32, gt=0, description="Sentence pairs per step")
    learning_rate: float = Field(3e-3, gt=0, lt=1)
    warmup: float = Field(0.1, ge=0, lt=1, description="Share of the steps in which the rate rises")
    clip_norm: float = Field(1.0, gt=0)
    max_length: int = Field(64, ge=8, description="Positions; longer training sentences are cut")
    precision: Literal["fp32", "bf16"] = Field("fp32", description="bf16: matrix products in it; weights stay fp32")
    embeddings: Literal["random", "co-occurrence"] = Field(
        "random", description="co-occurrence: subwords that stand in the same texts, in all languages, begin alike"
    )
    by_length: bool = Field(False, description="Batches of pairs that are about as long, which saves padding")

    @model_validator(mode="after")
    def _whole_heads(self) -> TranslatorRecipe:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self

    def deciding(self) -> dict[str, Any]:
        """What a stage's key is made of: settings that came later only where they are used, so that older
        translators keep their keys."""
        unused = {name for name in _LATER if getattr(self, name) == type(self).model_fields[name].default}
        return self.model_dump(mode="json", exclude=unused)
