"""Estimates the memory of a training step: activations kept for the backward pass, and optimizer state.

Written for the unpadded layers of BERT and XLM-R in fp32 with dropout on a GPU; bf16 takes less. It sets the initial
micro-batch size on a GPU. A wrong estimate costs one attempt, since a batch that does not fit is split further.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from transformers import PreTrainedConfig

_OPTIMIZER = 12  # bytes per trained parameter besides itself: gradient and two moments
_SLACK = 1.15  # factor for activations: workspaces and memory fragmentation


@dataclass(frozen=True)
class Shape:
    """The sizes that determine activation memory."""

    layers: int
    hidden: int
    heads: int
    inner: int  # size of the feed-forward layer

    @classmethod
    def of(cls, config: PreTrainedConfig) -> Shape:
        return cls(config.num_hidden_layers, config.hidden_size, config.num_attention_heads, config.intermediate_size)


def activations(shape: Shape, rows: int, tokens: int, checkpointing: bool = False) -> int:
    """Returns the bytes kept for the backward pass of `rows` rows of `tokens` tokens each, padding included.

    In each layer, a token keeps in fp32: the input, three projections, the context padded and unpadded, the inputs of
    both norms and the output of one (9.5 times the hidden size with two dropout masks), two feed-forward states, and a
    normaliser per head; fused GPU kernels keep no attention weights. Each layer also keeps its three projection
    weights concatenated. With `checkpointing`, one layer keeps all this and the others only their inputs.
    """
    in_layer = rows * tokens * (38 * shape.hidden + 8 * shape.inner + 4 * shape.heads) + 12 * shape.hidden**2
    if checkpointing:
        return in_layer + (shape.layers - 1) * rows * tokens * 4 * shape.hidden
    return shape.layers * in_layer


def optimizer_bytes(module: nn.Module) -> int:
    """Returns the bytes of gradients and moments for a module's trainable parameters."""
    return _OPTIMIZER * sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def fitting(shape: Shape, rows: int, tokens: int, free: float) -> tuple[int, bool]:
    """Returns how many rows at once fit into `free` bytes, by halving, and whether one row needs checkpointing."""
    while rows > 1 and _SLACK * activations(shape, rows, tokens) > free:
        rows = -(-rows // 2)
    return rows, _SLACK * activations(shape, rows, tokens) > free


def free_bytes(device: str) -> float:
    """Returns the free memory of a GPU in bytes; infinity for a CPU, which swaps before it fails.

    Memory that torch holds without using it, left over from mining or a first attempt, is free for what comes.
    """
    if not device.startswith("cuda"):
        return float("inf")
    held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return float(torch.cuda.mem_get_info(device)[0] + held)
