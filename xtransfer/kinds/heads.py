"""Heads on the first token, shaped as XLM-R's own: dropout, dense, tanh, dropout, projection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from xtransfer.kinds.batches import Batch

INITIAL_SPREAD = 0.02  # standard deviation of fresh weights, as in BERT and XLM-R


def linear(width: int, num_outputs: int) -> nn.Linear:
    """A fresh linear layer."""
    made = nn.Linear(width, num_outputs)
    nn.init.normal_(made.weight, std=INITIAL_SPREAD)
    nn.init.zeros_(made.bias)
    return made


class FirstTokenHead(nn.Module):
    """Logits [sequences, outputs] from the states of each sequence's first token."""

    first_only = True  # of each sequence no other token's state is read

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
        """How many rows the loss is the mean of."""
        return len(batch.sizes)

    @torch.no_grad()
    def take_trunk(self, other: FirstTokenHead) -> None:
        """Start the dense layer from another head's."""
        self.dense.load_state_dict(other.dense.state_dict())


class LabelHead(FirstTokenHead):
    """One logit per label; one sequence per row. Softmax cross-entropy."""

    def __init__(self, hidden: int, labels: Sequence[str], dropout: float) -> None:
        super().__init__(hidden, len(labels), dropout)
        self.labels = tuple(labels)

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Logits [rows, labels]."""
        return self.logits(states)

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        return nn.functional.cross_entropy(outputs.float(), torch.tensor(batch.targets, device=outputs.device))


class OptionHead(FirstTokenHead):
    """One logit per option, softmax over a row's options; rows may differ in their number."""

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__(hidden, 1, dropout)

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Logits [rows, most options]; places without an option hold minus infinity."""
        logits = self.logits(states).squeeze(-1)
        parts = list(logits.split(batch.sizes))
        return nn.utils.rnn.pad_sequence(parts, batch_first=True, padding_value=float("-inf"))

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        return nn.functional.cross_entropy(outputs.float(), torch.tensor(batch.targets, device=outputs.device))


class ScoreHead(FirstTokenHead):
    """One number per row; one sequence per row. Squared error."""

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__(hidden, 1, dropout)

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Scores [rows]."""
        return self.logits(states).squeeze(-1)

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        targets = torch.tensor(batch.targets, device=outputs.device, dtype=torch.float32)
        return nn.functional.mse_loss(outputs.float(), targets)


@torch.no_grad()
def copied(source: nn.Module, new: nn.Module) -> bool:
    """Start a head from another one of its class, labels (where it has any) and sizes; False where they differ."""
    ours, theirs = new.state_dict(), source.state_dict()
    same_sizes = {name: one.shape for name, one in ours.items()} == {name: one.shape for name, one in theirs.items()}
    same_labels = getattr(source, "labels", ()) == getattr(new, "labels", ())
    if type(source) is not type(new) or not (same_labels and same_sizes):
        return False
    new.load_state_dict(theirs)
    return True


def same_trunk(source: nn.Module, new: nn.Module) -> bool:
    """Whether both heads have dense layers of one size."""
    return (
        isinstance(source, FirstTokenHead)
        and isinstance(new, FirstTokenHead)
        and source.dense.weight.shape == new.dense.weight.shape
    )
