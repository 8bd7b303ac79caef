"""How much memory a training step takes, by arithmetic: what is kept for the backward pass, and the optimizer's.

For the packed layers of BERT and XLM-R in fp32 on a GPU, with dropout; bf16 takes less. It decides with how many rows a
run on a GPU begins; being wrong costs one try, since what runs out of memory is parted further.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from transformers import PreTrainedConfig

_OPTIMIZER = 12  # bytes a trained parameter takes beside itself: its gradient and two moments
_SLACK = 1.15  # of the activations: workspaces, and what the allocator cannot use


@dataclass(frozen=True)
class Shape:
    """What decides the size of the activations."""

    layers: int
    hidden: int
    heads: int
    inner: int  # of the feed-forward network

    @classmethod
    def of(cls, config: PreTrainedConfig) -> Shape:
        return cls(config.num_hidden_layers, config.hidden_size, config.num_attention_heads, config.intermediate_size)


def activations(shape: Shape, rows: int, tokens: int, sparing: bool = False) -> int:
    """Bytes kept for the backward pass of so many rows of so many tokens, padding included.

    A token keeps in each layer, in fp32: the input, three projections, the context as it stands in the bucket and as it
    is packed, both norms' inputs and one's output (9.5 times the hidden size with two masks of dropout), two inner
    states, and a normaliser for each head; the fused kernels of GPUs keep no attention weights. Each layer also keeps
    its three projections' weights side by side. With `sparing`, one layer has all these and the others their inputs.
    """
    in_layer = rows * tokens * (38 * shape.hidden + 8 * shape.inner + 4 * shape.heads) + 12 * shape.hidden**2
    if sparing:
        return in_layer + (shape.layers - 1) * rows * tokens * 4 * shape.hidden
    return shape.layers * in_layer


def optimizer_bytes(module: nn.Module) -> int:
    """Bytes of gradients and moments of what a module trains."""
    return _OPTIMIZER * sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def fitting(shape: Shape, rows: int, tokens: int, free: float) -> tuple[int, bool]:
    """How many rows at once fit into `free` bytes, halving; and whether even one needs sparing."""
    while rows > 1 and _SLACK * activations(shape, rows, tokens) > free:
        rows = -(-rows // 2)
    return rows, _SLACK * activations(shape, rows, tokens) > free


def free_bytes(device: str) -> float:
    """Free memory of a GPU; without bound elsewhere, where the system swaps before it refuses."""
    return float(torch.cuda.mem_get_info(device)[0]) if device.startswith("cuda") else float("inf")
