"""Heads that compare text vectors, to train dual encoders (Chidambaram et al. 2018).

Each text is encoded separately and pooled to one vector. A row's candidates are its own target, its hard negatives,
and those of the other rows in the batch. The loss is the softmax cross-entropy of its own target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from xtransfer.kinds.heads import linear
from xtransfer.recipes.dual import DualRecipe

if TYPE_CHECKING:
    from xtransfer.kinds.batches import Batch

WIDTH = 512  # size of task-specific layers


def text_vectors(states: Tensor, batch: Batch, pooling: str) -> Tensor:
    """Pools states [sequences, tokens, hidden] to vectors [sequences, hidden]: the first token, or the mean of all."""
    if pooling == "cls":
        return states[:, 0]
    mask = batch.attention_mask.unsqueeze(-1).to(states.dtype)
    means: Tensor = (states * mask).sum(1) / mask.sum(1)
    return means


class VectorHead(nn.Module):
    """Base class: pools texts to vectors and compares them with the settings of a recipe's `dual`."""

    def __init__(self, dual: Mapping[str, object]) -> None:
        super().__init__()
        self.dual = DualRecipe.model_validate(dual)
        self.first_only = self.dual.pooling == "cls"
        if self.dual.learn_scale:
            self.scale = nn.Parameter(torch.tensor(self.dual.scale))

    def vectors(self, states: Tensor, batch: Batch) -> Tensor:
        return text_vectors(states, batch, self.dual.pooling)

    def similarities(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Returns logits [queries, candidates]."""
        queries, candidates = queries.float(), candidates.float()
        if self.dual.similarity == "cosine":
            queries, candidates = (nn.functional.normalize(one, dim=-1) for one in (queries, candidates))
        return (self.scale if self.dual.learn_scale else self.dual.scale) * (queries @ candidates.T)

    def ranking_loss(self, queries: Tensor, candidates: Tensor, sizes: Sequence[int]) -> Tensor:
        """Returns the cross-entropy of each row's own target, averaged over rows.

        `sizes[i]` candidates belong to row i, its own target first. Rows serve as each other's negatives within
        blocks of `negatives_within` rows.
        """
        within = self.dual.negatives_within or len(sizes)
        ends = [0, *accumulate(sizes)]
        losses = []
        for first in range(0, len(sizes), within):
            last = min(first + within, len(sizes))
            logits = self.similarities(queries[first:last], candidates[ends[first] : ends[last]])
            own = torch.tensor([end - ends[first] for end in ends[first:last]], device=logits.device)
            losses.append(nn.functional.cross_entropy(logits, own, reduction="sum"))
        return torch.stack(losses).sum() / len(sizes)


class RankingHead(VectorHead):
    """Ranks targets for each source by comparing encoder vectors, without layers of its own.

    It has no `items`: rows are compared with each other, so a batch must not be split.
    """

    def forward(self, states: Tensor, batch: Batch) -> Tensor:
        """Returns vectors [sequences, hidden]."""
        return self.vectors(states, batch)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        starts = [0, *accumulate(batch.sizes)][:-1]
        queries = torch.zeros(len(outputs), dtype=torch.bool)
        queries[starts] = True
        queries = queries.to(outputs.device)
        candidates = self.candidates(outputs[~queries])
        return self.ranking_loss(outputs[queries], candidates, [size - 1 for size in batch.sizes])

    def candidates(self, vectors: Tensor) -> Tensor:
        return vectors


class ResponseHead(RankingHead):
    """A RankingHead with a layer for responses, since a response is not a paraphrase of its text."""

    def __init__(self, hidden: int, dual: Mapping[str, object]) -> None:
        super().__init__(dual)
        self.response = linear(hidden, hidden)

    def candidates(self, vectors: Tensor) -> Tensor:
        return torch.tanh(self.response(vectors))


class NeighboursHead(VectorHead):
    """Ranks previous and next sentences for each sentence, with one layer per position."""

    def __init__(self, hidden: int, dual: Mapping[str, object]) -> None:
        super().__init__(dual)
        self.before, self.text, self.after = (linear(hidden, WIDTH) for _ in range(3))

    def forward(self, states: Tensor, batch: Batch) -> Tensor:
        """Returns vectors [rows, 3 (previous, current, next), 512]."""
        vectors = torch.unflatten(self.vectors(states, batch), 0, (-1, 3))
        layers = (self.before, self.text, self.after)
        return torch.stack([torch.tanh(own(vectors[:, place])) for place, own in enumerate(layers)], 1)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        before, text, after = outputs.unbind(1)
        one_each = [1] * len(text)
        return self.ranking_loss(text, before, one_each) + self.ranking_loss(text, after, one_each)


class DualPairHead(VectorHead):
    """Classifies two vectors u and v: one layer on (u, v, |u - v|, u * v), then one logit per label."""

    def __init__(self, hidden: int, labels: Sequence[str], dropout: float, dual: Mapping[str, object]) -> None:
        super().__init__(dual)
        self.labels = tuple(labels)
        self.dropout = nn.Dropout(dropout)
        self.dense = linear(4 * hidden, WIDTH)
        self.out_proj = linear(WIDTH, len(self.labels))

    def forward(self, states: Tensor, batch: Batch) -> Tensor:
        """Returns logits [rows, labels]."""
        first, second = torch.unflatten(self.vectors(states, batch), 0, (-1, 2)).unbind(1)
        features = torch.cat([first, second, (first - second).abs(), first * second], -1)
        logits: Tensor = self.out_proj(self.dropout(torch.tanh(self.dense(self.dropout(features)))))
        return logits

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return nn.functional.cross_entropy(outputs.float(), torch.tensor(batch.targets, device=outputs.device))

    def items(self, batch: Batch) -> int:
        """Returns the number of rows the loss averages over."""
        return len(batch.sizes)
