"""The head of kind `span`: each token as start and as end of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from xtransfer.kinds.heads import linear

if TYPE_CHECKING:
    from xtransfer.kinds.batches import Batch


class SpanHead(nn.Module):
    """Scores each token as start and as end of the answer, with a softmax over the tokens of a window."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.outputs = linear(hidden, 2)

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Returns logits [windows, 2 (start, end), tokens]; padding is minus infinity."""
        logits: torch.Tensor = self.outputs(states).float().transpose(1, 2)
        return logits.masked_fill(batch.attention_mask[:, None, :] == 0, float("-inf"))

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Returns the cross-entropy averaged over the windows of the batch and over start and end."""
        targets = torch.tensor([window for row in batch.targets for window in row], device=outputs.device)
        return nn.functional.cross_entropy(outputs.flatten(0, 1), targets.flatten())

    def items(self, batch: Batch) -> int:
        """Returns the number of windows the loss averages over."""
        return sum(batch.sizes)
