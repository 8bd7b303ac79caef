"""Settings of pretraining, kept apart from its code so that planning does not import torch."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class PretrainingRecipe(BaseModel):
    """All settings that change the encoder. Defaults are the laboratory's, chosen on dev data."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    vocab_size: int = Field(3000, gt=300)  # maximum; small corpora yield fewer
    lowercase: bool = True  # so that a word is the same token everywhere in a sentence
    hidden_size: int = Field(128, gt=0)
    layers: int = Field(2, gt=0)
    heads: int = Field(4, gt=0)
    intermediate_size: int = Field(256, gt=0)
    max_length: int = Field(64, ge=16)  # tokens per sequence, including special ones; longer sentences are truncated
    dropout: float = Field(0.0, ge=0, lt=1)  # a model this small underfits
    steps: int = Field(1200, gt=0)
    batch_size: int = Field(64, gt=0)  # sequences
    learning_rate: float = Field(2e-3, gt=0)
    embedding_lr_scale: float = Field(0.5, ge=0)  # slower, to preserve the start from co-occurrence
    embedding_norm: float = Field(1.5, gt=0)  # length of a token's embedding at the start
    position_norm: float = Field(0.7, ge=0)  # length of a position's embedding, initialised with sinusoids; 0: random
    # How strongly attention starts on similar and near tokens (0: random). Without it, detection stays at chance for
    # the first 500 steps; with it, 40% of corrupted tokens are detected by then.
    similarity_start: float = Field(1.3, ge=0)
    warmup: float = Field(0.05, ge=0, lt=1)  # share of the steps
    weight_decay: float = Field(0.01, ge=0)
    clip_norm: float = Field(1.0, gt=0)
    masked_share: float = Field(0.2, gt=0, lt=1)  # share of tokens masked in a sequence for masked language modelling
    detection_share: float = Field(0.6, ge=0, le=1)  # share of sequences for detection; the others are masked
    altered_share: float = Field(0.5, gt=0, lt=1)  # share of detection sequences that are corrupted
    unrelated_share: float = Field(0.1, ge=0, lt=1)  # share of corrupted sequences with another text
    translation_share: float = Field(0.8, ge=0, le=1)  # share of sequences of two translations; others repeat one
    token_detection_weight: float = Field(6.0, ge=0)
    sequence_detection_weight: float = Field(1.0, ge=0)
