"""Heads on the first token, with the layers of XLM-R's own: dropout, dense, tanh, dropout, projection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from xtransfer.kinds.batches import Batch

INITIAL_SPREAD = 0.02  # standard deviation of newly initialised weights, as in BERT and XLM-R


def linear(width: int, num_outputs: int) -> nn.Linear:
    """Returns a newly initialised linear layer."""
    made = nn.Linear(width, num_outputs)
    nn.init.normal_(made.weight, std=INITIAL_SPREAD)
    nn.init.zeros_(made.bias)
    return made


class FirstTokenHead(nn.Module):
    """Computes logits [sequences, outputs] from the hidden state of each sequence's first token."""

    first_only = True  # reads no other token's state

    def __init__(self, hidden: int, num_outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(hidden, hidden)
        self.out_proj = nn.Linear(hidden, num_outputs)
        for layer in (self.dense, self.out_proj):  # not `linear`: weights are drawn in another order
            nn.init.normal_(layer.weight, std=INITIAL_SPREAD)
            nn.init.zeros_(layer.bias)

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        first = self.dropout(states[:, 0])
        output: torch.Tensor = self.out_proj(self.dropout(torch.tanh(self.dense(first))))
        return output

    def items(self, batch: Batch) -> int:
        """Returns the number of rows the loss averages over."""
        return len(batch.sizes)

    @torch.no_grad()
    def take_trunk(self, other: FirstTokenHead) -> None:
        """Copies the dense layer of another head."""
        self.dense.load_state_dict(other.dense.state_dict())


class LabelHead(FirstTokenHead):
    """Classifies rows of one sequence: one logit per label, softmax cross-entropy."""

    def __init__(self, hidden: int, labels: Sequence[str], dropout: float) -> None:
        super().__init__(hidden, len(labels), dropout)
        self.labels = tuple(labels)

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Returns logits [rows, labels]."""
        return self.logits(states)

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        return nn.functional.cross_entropy(outputs.float(), torch.tensor(batch.targets, device=outputs.device))


class OptionHead(FirstTokenHead):
    """Scores each option with one logit and a softmax over a row's options; rows may differ in their number."""

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__(hidden, 1, dropout)

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Returns logits [rows, maximum number of options], padded with minus infinity."""
        logits = self.logits(states).squeeze(-1)
        parts = list(torch.split(logits, batch.sizes))
        return nn.utils.rnn.pad_sequence(parts, batch_first=True, padding_value=float("-inf"))

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        return nn.functional.cross_entropy(outputs.float(), torch.tensor(batch.targets, device=outputs.device))


class ScoreHead(FirstTokenHead):
    """Regression for rows of one sequence: one number per row, squared error."""

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__(hidden, 1, dropout)

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Returns scores [rows]."""
        return self.logits(states).squeeze(-1)

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        targets = torch.tensor(batch.targets, device=outputs.device, dtype=torch.float32)
        return nn.functional.mse_loss(outputs.float(), targets)


def same_trunk(source: nn.Module, new: nn.Module) -> bool:
    """Returns whether both heads have dense layers of the same shape."""
    return (
        isinstance(source, FirstTokenHead)
        and isinstance(new, FirstTokenHead)
        and source.dense.weight.shape == new.dense.weight.shape
    )
