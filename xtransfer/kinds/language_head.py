"""The head for masked language modelling: predicts the token at a masked position."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from xtransfer.base.errors import RequestError
from xtransfer.kinds.heads import linear

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from xtransfer.kinds.batches import Batch

_NAMES = ("dense.weight", "dense.bias", "layer_norm.weight", "layer_norm.bias", "bias")
_PRETRAINED = (  # names of the same parameters in checkpoints of XLM-R and RoBERTa, then of BERT
    tuple(f"lm_head.{name}" for name in _NAMES),
    tuple(
        f"cls.predictions.{name}"
        for name in ("transform.dense.weight", "transform.dense.bias", "transform.LayerNorm.weight",
                     "transform.LayerNorm.bias", "bias")
    ),
)  # fmt: skip


class LanguageHead(nn.Module):
    """Dense layer, GELU, LayerNorm, then the encoder's token embeddings as output layer, as in XLM-R.

    Call `bind` with the encoder before use. The head shares the encoder's embeddings and does not register them, so
    they are trained (or frozen) and saved once, with the encoder.
    """

    table: nn.Embedding
    bias: nn.Parameter

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.dense = linear(hidden, hidden)
        self.layer_norm = nn.LayerNorm(hidden)

    def bind(self, encoder: PreTrainedModel) -> None:
        """Ties the head to an encoder's embeddings; raises RequestError if embedding size and hidden size differ."""
        table = encoder.get_input_embeddings()
        assert isinstance(table, nn.Embedding)
        vocabulary, width = table.weight.shape
        if width != self.dense.out_features:
            raise RequestError(
                f"the encoder's embedding size is {width} and its hidden size {self.dense.out_features}; masked "
                "language modelling needs an encoder where both are equal"
            )
        object.__setattr__(self, "table", table)  # nn.Module would register it as a submodule
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.layer_norm.eps = float(getattr(encoder.config, "layer_norm_eps", 1e-5))

    @torch.no_grad()
    def adopt(self, weights: Mapping[str, Tensor]) -> bool:
        """Loads the head the encoder was pretrained with; returns False if its checkpoint does not contain one."""
        for names in _PRETRAINED:
            found = {own: weights[name] for own, name in zip(_NAMES, names, strict=True) if name in weights}
            if {name: value.shape for name, value in found.items()} == self.shapes():
                self.load_state_dict(found)
                return True
        return False

    def forward(self, states: Tensor, batch: Batch) -> Tensor:
        """Returns logits [masked tokens, vocabulary], row by row; other positions are not computed."""
        rows = [row for row, target in enumerate(batch.targets) for _ in target]
        places = [place for target in batch.targets for place, _ in target]
        hidden = states[torch.tensor([rows, places], dtype=torch.long, device=states.device).unbind()]
        hidden = self.layer_norm(nn.functional.gelu(self.dense(hidden)))
        return nn.functional.linear(hidden, self.table.weight, self.bias)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Returns the mean cross-entropy over masked tokens; zero if the batch has none (only special tokens)."""
        tokens = [token for target in batch.targets for _, token in target]
        if not tokens:
            return outputs.sum()
        return nn.functional.cross_entropy(outputs.float(), torch.tensor(tokens, device=outputs.device))

    def items(self, batch: Batch) -> int:
        """Returns the number of masked tokens the loss averages over."""
        return sum(map(len, batch.targets))

    def shapes(self) -> dict[str, torch.Size]:
        """Returns the shape of each parameter by name; heads with equal shapes can be initialised from each other."""
        return {name: value.shape for name, value in self.state_dict().items()}
