"""The parts of an encoder that the unpadded computation reads; transformers has no class common to all families."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from torch import Tensor, nn


class SelfAttention(Protocol):
    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    dropout: nn.Dropout
    num_attention_heads: int
    attention_head_size: int
    scaling: float
    training: bool


class Block(Protocol):
    """A dense layer, dropout, residual and norm."""

    dense: nn.Linear
    dropout: nn.Dropout
    LayerNorm: nn.LayerNorm
    training: bool


class Attention(Protocol):
    self: SelfAttention
    output: Block


class Layer(Protocol):
    attention: Attention
    intermediate: Callable[[Tensor], Tensor]
    output: Block


class Layers(Protocol):
    layer: Sequence[Layer]


class Embeddings(Protocol):
    word_embeddings: nn.Embedding
    position_embeddings: nn.Embedding
    token_type_embeddings: nn.Embedding
    padding_idx: int  # only in families whose positions start after it
    dropout: nn.Dropout
    LayerNorm: nn.LayerNorm
    training: bool


class Encoder(Protocol):
    embeddings: Embeddings
    encoder: Layers
    training: bool


class Context(Protocol):
    """What autograd hands from the forward pass to the backward pass."""

    saved_tensors: tuple[Tensor, ...]

    def save_for_backward(self, *tensors: Tensor) -> None: ...
