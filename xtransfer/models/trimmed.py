"""Trains only the embeddings of tokens that occur in a run's data, instead of the whole table.

An embedding that no batch looks up has no gradient, and without weight decay AdamW does not change it. So it is enough
to train the others and write them back: the checkpoint is the same, without moments and updates for unused tokens. In
large XLM-R, the table is 256 of 560 million parameters.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from xtransfer.kinds.encoded import EncodedRows


class TrimmedEmbedding(nn.Module):
    """Looks up the kept rows of a table by their ids in the whole table. Other ids must not occur."""

    weight: nn.Parameter  # [kept, width]; named as in nn.Embedding, so that saved states use the same name
    kept: Tensor  # long [kept]: ids, ascending
    place: Tensor  # long [vocabulary]: position of each kept id; -1, which lookups reject, for others

    def __init__(self, table: nn.Embedding, kept: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(table.weight.detach()[kept].clone())
        self.register_buffer("kept", kept, persistent=False)
        place = torch.full((table.num_embeddings,), -1).index_copy(0, kept, torch.arange(len(kept)))
        self.register_buffer("place", place, persistent=False)
        padding = table.padding_idx
        self.padding_idx = None if padding is None or place[padding] < 0 else int(place[padding])

    def forward(self, ids: Tensor) -> Tensor:
        return nn.functional.embedding(self.place[ids], self.weight, self.padding_idx)


class Trimming:
    """Gives an encoder a trimmed embedding table until `undo`, which restores the whole one with the trained rows."""

    def __init__(self, encoder: PreTrainedModel, tokens: Iterable[int]) -> None:
        whole = encoder.get_input_embeddings()
        assert isinstance(whole, nn.Embedding)
        self.encoder, self.whole = encoder, whole
        kept = torch.tensor(sorted(set(tokens)), device="cpu")
        self.trimmed = TrimmedEmbedding(whole, kept)
        encoder.set_input_embeddings(self.trimmed)

    @torch.no_grad()
    def undo(self) -> None:
        """Writes the trained rows back into the whole table and restores it."""
        weight = self.whole.weight
        weight.index_copy_(0, self.trimmed.kept.to(weight.device), self.trimmed.weight.detach().to(weight.device))
        self.encoder.set_input_embeddings(self.whole)


def may_be_trimmed(encoder: PreTrainedModel, weight_decay: float) -> bool:
    """Returns whether embeddings that are never looked up stay unchanged, so that trimming does not change the result.

    False for frozen tables (nothing to gain), with weight decay (shrinks every row), and for tables of another type.
    """
    table = encoder.get_input_embeddings()
    return (
        type(table) is nn.Embedding
        and table.weight.requires_grad
        and weight_decay == 0
        and table.max_norm is None
        and not table.scale_grad_by_freq
    )


def tokens_of(rows: Iterable[EncodedRows]) -> set[int]:
    """Returns the token ids that occur in encoded rows."""
    return {int(token) for own in rows for token in np.unique(own.tokens())}
