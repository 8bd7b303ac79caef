"""The settings with which a study trains a translator."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

# Beside a Marian model's files: {"source": "en", "targets": ["de", …]}, or {"sources": ["de", …], "targets": ["en"]}
LANGUAGES_FILE = "languages.json"


class TranslatorRecipe(BaseModel):
    """Training of a Transformer with Marian's architecture (Junczys-Dowmunt et al. 2018), from one language to several
    or back."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    vocab_size: int = Field(2000, gt=300, description="Most subwords in the vocabulary, which all languages share")
    width: int = Field(96, gt=0, description="Hidden size")
    layers: int = Field(2, gt=0, description="Layers in the encoder, and in the decoder")
    heads: int = Field(4, gt=0, description="Attention heads")
    feed_forward: int = Field(192, gt=0, description="Width of the feed-forward layers")
    dropout: float = Field(0.0, ge=0, lt=1)
    steps: int = Field(600, gt=0)
    batch_size: int = Field(32, gt=0, description="Sentence pairs per step")
    learning_rate: float = Field(3e-3, gt=0, lt=1)
    warmup: float = Field(0.1, ge=0, lt=1, description="Share of the steps over which the learning rate rises")
    clip_norm: float = Field(1.0, gt=0)
    max_length: int = Field(64, ge=8, description="Positions, in tokens; longer training sentences are cut")
    precision: Literal["fp32", "bf16"] = Field("fp32", description="bf16: matrix products in bf16, weights in fp32")
    embeddings: Literal["random", "co-occurrence"] = Field(
        "random", description="co-occurrence: subwords of the same texts, in all languages, start with similar vectors"
    )
    by_length: bool = Field(False, description="Batches of pairs of similar length, which saves padding")

    @model_validator(mode="after")
    def _whole_heads(self) -> TranslatorRecipe:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self
