"""Embeddings of the tokens that a run can meet, trained in place of the whole table.

A row of the table that no batch looks up has no gradient, and without weight decay AdamW leaves it as it was. So
the rows that can be met are trained alone and written back: the same checkpoint, without moments and updates for
the others. XLM-R's table is 256 of the 560 million parameters of its large model.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from xtransfer.kinds.encoded import EncodedRows


class TrimmedEmbedding(nn.Module):
    """Looks up the rows of a table that are kept, by the ids of the whole table. Other ids must not occur."""

    weight: nn.Parameter  # [kept, width]; named as in nn.Embedding, so that states name it alike
    kept: Tensor  # long [kept]: ids, ascending
    place: Tensor  # long [vocabulary]: where each kept id is; -1, which no lookup accepts, for the others

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
    """An encoder with a trimmed table until `undo`, which puts the whole one back with what was learned."""

    def __init__(self, encoder: PreTrainedModel, tokens: Iterable[int]) -> None:
        whole = encoder.get_input_embeddings()
        assert isinstance(whole, nn.Embedding)
        self.encoder, self.whole = encoder, whole
        kept = torch.tensor(sorted(set(tokens)), device="cpu")
        self.trimmed = TrimmedEmbedding(whole, kept)
        encoder.set_input_embeddings(self.trimmed)

    @torch.no_grad()
    def undo(self) -> None:
        """Write the rows back into the whole table, which the encoder has again."""
        weight = self.whole.weight
        weight.index_copy_(0, self.trimmed.kept.to(weight.device), self.trimmed.weight.detach().to(weight.device))
        self.encoder.set_input_embeddings(self.whole)


def may_be_trimmed(encoder: PreTrainedModel, weight_decay: float) -> bool:
    """Whether rows that are never looked up stay as they are, so that leaving them out changes nothing.

    Frozen tables gain nothing; weight decay shrinks every row; the table must be an ordinary one.
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
    """The ids that occur in encoded rows."""
    return {int(token) for own in rows for token in np.unique(own.tokens())}
