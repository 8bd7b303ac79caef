"""The head of kind `tags`: one logit per label on the first subword of each word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn

from xtransfer.kinds.heads import label_loss, linear

if TYPE_CHECKING:
    from xtransfer.kinds.batches import Batch


class TagHead(nn.Module):
    """Dropout and a linear layer, like XLM-R's token classification. `Batch.extras` are positions of first subwords."""

    label_smoothing = 0.0  # a training sets its recipe's

    def __init__(self, hidden: int, labels: Sequence[str], dropout: float) -> None:
        super().__init__()
        self.labels = tuple(labels)
        self.dropout = nn.Dropout(dropout)
        self.out_proj = linear(hidden, len(self.labels))

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Returns logits [rows, maximum number of words, labels], padded with minus infinity."""
        sequences, words = _places(batch, states.device)
        logits = self.out_proj(self.dropout(states[sequences, words]))
        parts = logits.split([_num_words(row) for row in batch.extras])
        return nn.utils.rnn.pad_sequence(list(parts), batch_first=True, padding_value=float("-inf"))

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Returns the mean softmax cross-entropy over the words of the batch."""
        lengths = torch.tensor([len(target) for target in batch.targets], device=outputs.device)
        is_word = torch.arange(outputs.shape[1], device=outputs.device) < lengths[:, None]
        targets = [label for target in batch.targets for label in target]
        return label_loss(outputs[is_word], targets, self.label_smoothing)

    def items(self, batch: Batch) -> int:
        """Returns the number of words the loss averages over."""
        return sum(map(_num_words, batch.extras))


def _places(batch: Batch, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns, for each word of the batch in order, its sequence and the position of its first subword there."""
    sequences = [places for row in batch.extras for places in row]
    numbers = [number for number, places in enumerate(sequences) for _ in places]
    words = [place for places in sequences for place in places]
    return torch.tensor(numbers, device=device), torch.tensor(words, device=device)


def _num_words(row: Sequence[Sequence[int]]) -> int:
    return sum(map(len, row))
