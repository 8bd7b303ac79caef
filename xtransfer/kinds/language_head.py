"""The head of masked language models: which token stands at a place."""

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
_PRETRAINED = (  # how the same parameters are named in the files of XLM-R and RoBERTa, and of BERT
    tuple(f"lm_head.{name}" for name in _NAMES),
    tuple(
        f"cls.predictions.{name}"
        for name in ("transform.dense.weight", "transform.dense.bias", "transform.LayerNorm.weight",
                     "transform.LayerNorm.bias", "bias")
    ),
)  # fmt: skip


class LanguageHead(nn.Module):
    """Dense layer, GELU, LayerNorm, then a product with the encoder's own token embeddings, as in XLM-R.

    `bind` names the encoder. Its embeddings are used where they are: they are no parameter of this module, so
    they are trained (or frozen) and saved once, with the encoder.
    """

    table: nn.Embedding
    bias: nn.Parameter

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.dense = linear(hidden, hidden)
        self.layer_norm = nn.LayerNorm(hidden)

    def bind(self, encoder: PreTrainedModel) -> None:
        """Predict the tokens of an encoder; raises RequestError where its embeddings have another width."""
        table = encoder.get_input_embeddings()
        assert isinstance(table, nn.Embedding)
        vocabulary, width = table.weight.shape
        if width != self.dense.out_features:
            raise RequestError(
                f"the encoder's token embeddings are {width} wide and its states {self.dense.out_features}: "
                "masked language modelling needs an encoder where the two are equal"
            )
        object.__setattr__(self, "table", table)  # nn.Module would count it as a part of this one
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.layer_norm.eps = float(getattr(encoder.config, "layer_norm_eps", 1e-5))

    @torch.no_grad()
    def adopt(self, weights: Mapping[str, Tensor]) -> bool:
        """Start from the head that an encoder was pretrained with; False where that is not among its weights."""
        for names in _PRETRAINED:
            found = {own: weights[name] for own, name in zip(_NAMES, names, strict=True) if name in weights}
            if {name: value.shape for name, value in found.items()} == self.shapes():
                self.load_state_dict(found)
                return True
        return False

    def forward(self, states: Tensor, batch: Batch) -> Tensor:
        """Logits [hidden tokens, vocabulary], row by row; places that show their token are not computed."""
        rows = [row for row, target in enumerate(batch.targets) for _ in target]
        places = [place for target in batch.targets for place, _ in target]
        hidden = states[torch.tensor([rows, places], dtype=torch.long, device=states.device).unbind()]
        hidden = self.layer_norm(nn.functional.gelu(self.dense(hidden)))
        return nn.functional.linear(hidden, self.table.weight, self.bias)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Mean cross-entropy over the hidden tokens; zero for a batch that has none, of special tokens alone."""
        tokens = [token for target in batch.targets for _, token in target]
        if not tokens:
            return outputs.sum()
        return nn.functional.cross_entropy(outputs.float(), torch.tensor(tokens, device=outputs.device))

    def items(self, batch: Batch) -> int:
        """How many hidden tokens the loss is the mean of."""
        return sum(map(len, batch.targets))

    def shapes(self) -> dict[str, torch.Size]:
        """The sizes of its parameters by name; heads of equal ones can start from each other."""
        return {name: value.shape for name, value in self.state_dict().items()}
