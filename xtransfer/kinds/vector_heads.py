"""Heads that compare texts as vectors: what trains a dual encoder (Chidambaram et al. 2018).

Each text is encoded by itself, and its states become one vector. Candidates of a row are its own text, its hard
negatives, and those of the other rows of its batch; the loss is the softmax cross-entropy of the own one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from xtransfer.kinds.heads import linear
from xtransfer.recipes.dual import DualRecipe

if TYPE_CHECKING:
    from xtransfer.kinds.batches import Batch

WIDTH = 512  # of the layers that a task has for itself


def text_vectors(states: Tensor, batch: Batch, pooling: str) -> Tensor:
    """Vectors [sequences, hidden] of states [sequences, tokens, hidden]: means over all tokens, or the first ones."""
    if pooling == "cls":
        return states[:, 0]
    mask = batch.attention_mask.unsqueeze(-1).to(states.dtype)
    means: Tensor = (states * mask).sum(1) / mask.sum(1)
    return means


class VectorHead(nn.Module):
    """Texts as vectors and how two of them are compared, as a recipe's `dual` says."""

    def __init__(self, dual: Mapping[str, Any]) -> None:
        super().__init__()
        self.dual = DualRecipe.model_validate(dual)
        self.first_only = self.dual.pooling == "cls"
        if self.dual.learn_scale:
            self.scale = nn.Parameter(torch.tensor(self.dual.scale))

    def vectors(self, states: Tensor, batch: Batch) -> Tensor:
        return text_vectors(states, batch, self.dual.pooling)

    def similarities(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Logits [queries, candidates]."""
        queries, candidates = queries.float(), candidates.float()
        if self.dual.similarity == "cosine":
            queries, candidates = (nn.functional.normalize(one, dim=-1) for one in (queries, candidates))
        return (self.scale if self.dual.learn_scale else self.dual.scale) * (queries @ candidates.T)

    def ranking_loss(self, queries: Tensor, candidates: Tensor, sizes: Sequence[int]) -> Tensor:
        """Mean over rows of the cross-entropy of the own text.

        `sizes[i]` candidates belong to row i, its own text first. Rows are each other's negatives as far as
        `negatives_within` says.
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
    """A row's first text looks for its second: the encoder on both sides, no layer of its own.

    It has no `items`, for rows are compared with each other and must stay together.
    """

    def forward(self, states: Tensor, batch: Batch) -> Tensor:
        """Vectors [sequences, hidden]."""
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
    """As RankingHead, with a layer on the side of the responses: what follows a text is no paraphrase of it."""

    def __init__(self, hidden: int, dual: Mapping[str, Any]) -> None:
        super().__init__(dual)
        self.response = linear(hidden, hidden)

    def candidates(self, vectors: Tensor) -> Tensor:
        return torch.tanh(self.response(vectors))


class NeighboursHead(VectorHead):
    """A text looks for the one before it and for the one after it, with a layer for each of the three places."""

    def __init__(self, hidden: int, dual: Mapping[str, Any]) -> None:
        super().__init__(dual)
        self.before, self.text, self.after = (linear(hidden, WIDTH) for _ in range(3))

    def forward(self, states: Tensor, batch: Batch) -> Tensor:
        """Vectors [rows, 3, 512] of the texts before, the texts, and the texts after."""
        vectors = self.vectors(states, batch).unflatten(0, (-1, 3))
        layers = (self.before, self.text, self.after)
        return torch.stack([torch.tanh(own(vectors[:, place])) for place, own in enumerate(layers)], 1)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        before, text, after = outputs.unbind(1)
        one_each = [1] * len(text)
        return self.ranking_loss(text, before, one_each) + self.ranking_loss(text, after, one_each)


class DualPairHead(VectorHead):
    """A label from two vectors u and v: one layer on (u, v, |u - v|, u * v), then a logit per label."""

    def __init__(self, hidden: int, labels: Sequence[str], dropout: float, dual: Mapping[str, Any]) -> None:
        super().__init__(dual)
        self.labels = tuple(labels)
        self.dropout = nn.Dropout(dropout)
        self.dense = linear(4 * hidden, WIDTH)
        self.out_proj = linear(WIDTH, len(self.labels))

    def forward(self, states: Tensor, batch: Batch) -> Tensor:
        """Logits [rows, labels]."""
        first, second = self.vectors(states, batch).unflatten(0, (-1, 2)).unbind(1)
        features = torch.cat([first, second, (first - second).abs(), first * second], -1)
        logits: Tensor = self.out_proj(self.dropout(torch.tanh(self.dense(self.dropout(features)))))
        return logits

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return nn.functional.cross_entropy(outputs.float(), torch.tensor(batch.targets, device=outputs.device))

    def items(self, batch: Batch) -> int:
        """How many rows the loss is the mean of."""
        return len(batch.sizes)
