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

from xtransfer.kinds.heads import label_loss, last_states, linear
from xtransfer.recipes.dual import DualRecipe

if TYPE_CHECKING:
    from xtransfer.kinds.batches import Batch

WIDTH = 512  # size of task-specific layers


def text_vectors(states: Tensor, batch: Batch, pooling: str) -> Tensor:
    """Pools states [sequences, tokens, hidden] to vectors [sequences, hidden]: the first token, the last, or all.

    The last is the last token of the text, special ones included, and not of its padding.
    """
    if pooling == "cls":
        return states[:, 0]
    if pooling == "last":
        return last_states(states, batch)
    mask = batch.attention_mask.unsqueeze(-1).to(states.dtype)
    means: Tensor = (states * mask).sum(1) / mask.sum(1)
    return means


def numbered_texts(batch: Batch) -> Tensor:
    """Returns a number for each sequence [sequences]; equal sequences have equal numbers."""
    tokens = batch.input_ids.masked_fill(batch.attention_mask == 0, -1)
    found: Tensor = torch.unique(tokens, dim=0, return_inverse=True)[1]
    return found


def without_duplicates(
    logits: Tensor, backwards: Tensor, queries: Tensor, candidates: Tensor, own: Tensor
) -> tuple[Tensor, Tensor]:
    """Returns both logits with minus infinity where another row's text is not a negative.

    `queries` [rows] and `candidates` number the texts, `own` [rows] are the places of the rows' own targets. Right, and
    so not a negative, is what equals the own target of any row with an equal query.
    """
    same_query = queries[:, None] == queries
    same_target = candidates[own][:, None] == candidates
    right = same_query.float() @ same_target.float() > 0
    right[torch.arange(len(own), device=own.device), own] = False
    lowest = float("-inf")
    return logits.masked_fill(right, lowest), backwards.masked_fill(right[:, own].T, lowest)


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

    def ranking_loss(
        self, queries: Tensor, candidates: Tensor, sizes: Sequence[int], texts: tuple[Tensor, Tensor] | None = None
    ) -> Tensor:
        """Returns the cross-entropy of each row's own target, averaged over rows.

        `sizes[i]` candidates belong to row i, its own target first. Rows serve as each other's negatives within
        blocks of `negatives_within` rows. `texts` are numbers of the queries' and the candidates' texts, equal for
        equal ones, if duplicates are to be skipped. If symmetric, own targets rank the queries of the block, too.
        """
        within = self.dual.negatives_within or len(sizes)
        ends = [0, *accumulate(sizes)]
        losses = []
        for first in range(0, len(sizes), within):
            rows = slice(first, min(first + within, len(sizes)))
            block = slice(ends[first], ends[rows.stop])
            logits = self.similarities(queries[rows], candidates[block])
            own = torch.tensor([end - ends[first] for end in ends[rows]], device=logits.device)
            backwards = logits[:, own].T
            if texts is not None:
                logits, backwards = without_duplicates(logits, backwards, texts[0][rows], texts[1][block], own)
            loss = nn.functional.cross_entropy(logits, own, reduction="sum")
            if self.dual.symmetric:
                places = torch.arange(len(own), device=logits.device)
                loss = (loss + nn.functional.cross_entropy(backwards, places, reduction="sum")) / 2
            losses.append(loss)
        return torch.stack(losses).sum() / len(sizes)


class RankingHead(VectorHead):
    """Ranks targets for each source by comparing encoder vectors, without layers of its own.

    It has no `items`: rows are compared with each other, so the loss of a batch cannot be summed over its parts.
    """

    compares = True

    def forward(self, states: Tensor, batch: Batch) -> Tensor:
        """Returns vectors [sequences, hidden]."""
        return self.vectors(states, batch)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        starts = [0, *accumulate(batch.sizes)][:-1]
        queries = torch.zeros(len(outputs), dtype=torch.bool)
        queries[starts] = True
        queries = queries.to(outputs.device)
        candidates = self.candidates(outputs[~queries])
        texts = None
        if self.dual.skip_duplicates:
            numbers = numbered_texts(batch)
            texts = numbers[queries], numbers[~queries]
        return self.ranking_loss(outputs[queries], candidates, [size - 1 for size in batch.sizes], texts)

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

    compares = True

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
        texts: list[tuple[Tensor, Tensor] | None] = [None, None]
        if self.dual.skip_duplicates:
            numbers = torch.unflatten(numbered_texts(batch), 0, (-1, 3)).unbind(1)
            texts = [(numbers[1], numbers[0]), (numbers[1], numbers[2])]
        return self.ranking_loss(text, before, one_each, texts[0]) + self.ranking_loss(text, after, one_each, texts[1])


class DualPairHead(VectorHead):
    """Classifies two vectors u and v: one layer on (u, v, |u - v|, u * v), then one logit per label."""

    label_smoothing = 0.0  # a training sets its recipe's

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
        return label_loss(outputs, batch.targets, self.label_smoothing)

    def items(self, batch: Batch) -> int:
        """Returns the number of rows the loss averages over."""
        return len(batch.sizes)
