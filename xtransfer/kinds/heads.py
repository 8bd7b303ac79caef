"""Heads on one token of each sequence, with the layers of XLM-R's own: dropout, dense, tanh, dropout, projection."""

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


def label_loss(logits: torch.Tensor, targets: Sequence[int], smoothing: float) -> torch.Tensor:
    """Returns the mean cross-entropy of logits [rows, labels], computed in fp32; labels with logit -inf do not exist.

    With `smoothing`, this share of each row's target is spread evenly over its labels (Szegedy et al. 2016).
    """
    logits, right = logits.float(), torch.tensor(targets, device=logits.device)
    loss = nn.functional.cross_entropy(logits, right)
    if smoothing == 0:
        return loss
    exists = logits > float("-inf")
    costs = -logits.log_softmax(-1).masked_fill(~exists, 0.0)
    return (1 - smoothing) * loss + smoothing * (costs.sum(-1) / exists.sum(-1)).mean()


def last_states(states: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Returns the states [sequences, hidden] of each sequence's last token before its padding."""
    places = torch.tensor(batch.lengths, device=states.device) - 1
    return states[torch.arange(len(states), device=states.device), places]


class FirstTokenHead(nn.Module):
    """Computes logits [sequences, outputs] from the hidden state of each sequence's first token, or of its last."""

    pooling = "first"  # or "last", as the recipe says

    def __init__(self, hidden: int, num_outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(hidden, hidden)
        self.out_proj = nn.Linear(hidden, num_outputs)
        for layer in (self.dense, self.out_proj):  # not `linear`: weights are drawn in another order
            nn.init.normal_(layer.weight, std=INITIAL_SPREAD)
            nn.init.zeros_(layer.bias)

    @property
    def first_only(self) -> bool:
        """Whether it reads no other state than the first token's."""
        return self.pooling == "first"

    def logits(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        return self.logits_of(states[:, 0] if self.first_only else last_states(states, batch))

    def logits_of(self, pooled: torch.Tensor) -> torch.Tensor:
        """Returns the logits [sequences, outputs] for the states [sequences, hidden] of one token of each sequence."""
        output: torch.Tensor = self.out_proj(self.dropout(torch.tanh(self.dense(self.dropout(pooled)))))
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

    label_smoothing = 0.0  # a training sets its recipe's

    def __init__(self, hidden: int, labels: Sequence[str], dropout: float) -> None:
        super().__init__(hidden, len(labels), dropout)
        self.labels = tuple(labels)

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Returns logits [rows, labels]."""
        return self.logits(states, batch)

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        return label_loss(outputs, batch.targets, self.label_smoothing)


class OptionHead(FirstTokenHead):
    """Scores each option with one logit and a softmax over a row's options; rows may differ in their number."""

    label_smoothing = 0.0  # a training sets its recipe's

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__(hidden, 1, dropout)

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Returns logits [rows, maximum number of options], padded with minus infinity."""
        logits = self.logits(states, batch).squeeze(-1)
        parts = list(torch.split(logits, batch.sizes))
        return nn.utils.rnn.pad_sequence(parts, batch_first=True, padding_value=float("-inf"))

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        return label_loss(outputs, batch.targets, self.label_smoothing)


class ScoreHead(FirstTokenHead):
    """Regression for rows of one sequence: one number per row, squared error."""

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__(hidden, 1, dropout)

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Returns scores [rows]."""
        return self.logits(states, batch).squeeze(-1)

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        targets = torch.tensor(batch.targets, device=outputs.device, dtype=torch.float32)
        return nn.functional.mse_loss(outputs.float(), targets)


def same_trunk(source: nn.Module, new: nn.Module) -> bool:
    """Returns whether both heads have dense layers of the same shape that read the same token."""
    return (
        isinstance(source, FirstTokenHead)
        and isinstance(new, FirstTokenHead)
        and source.dense.weight.shape == new.dense.weight.shape
        and source.pooling == new.pooling
    )
