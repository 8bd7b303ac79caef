"""The layers of an encoder that low-rank adaptation adds to, known from a configuration alone."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from transformers import CONFIG_MAPPING, PreTrainedModel

from xtransfer.base.errors import RequestError
from xtransfer.models.pretrained import model_class, quiet
from xtransfer.recipes.lora import LoraRecipe

# Names of the layers that project queries and values, or all at once: BERT and XLM-R; most decoders; DistilBERT and
# XLM; DeBERTa; T5; ModernBERT
_ATTENTION = (("query", "value"), ("q_proj", "v_proj"), ("q_lin", "v_lin"), ("query_proj", "value_proj"), ("q", "v"),
              ("Wqkv",))  # fmt: skip


def lora_layers(encoder: PreTrainedModel, lora: LoraRecipe) -> list[str]:
    """Returns the names of the layers to adapt. Raises RequestError, which lists what there is, if one is missing."""
    layers = {name.rpartition(".")[2] for name, module in encoder.named_modules() if isinstance(module, nn.Linear)}
    if not lora.targets:
        found = next((names for names in _ATTENTION if layers.issuperset(names)), None)
        if found is None:
            raise RequestError(
                f"lora.targets: name the layers to adapt; a model of type '{encoder.config.model_type}' has linear "
                f"layers {', '.join(sorted(layers)) or 'of no kind'}"
            )
        return list(found)
    if missing := [name for name in lora.targets if name not in layers]:
        raise RequestError(
            f"lora.targets: a model of type '{encoder.config.model_type}' has no linear layer named "
            f"{', '.join(missing)} (it has {', '.join(sorted(layers))})"
        )
    return list(lora.targets)


def check_lora(encoder: object, config: Mapping[str, object], recipes: Mapping[str, LoraRecipe]) -> None:
    """Raises RequestError for a recipe, given by field name, whose layers an encoder of this configuration lacks."""
    if (skeleton := _skeleton(config)) is None:
        return
    for name, lora in recipes.items():
        try:
            lora_layers(skeleton, lora)
        except RequestError as error:
            raise RequestError(f"{name}.{error}; encoder {encoder}") from error


def _skeleton(config: Mapping[str, object]) -> PreTrainedModel | None:
    """Returns a model without weights; None for what only a stage can tell is no encoder."""
    try:
        with torch.device("meta"), quiet():
            values = CONFIG_MAPPING[str(config["model_type"])].from_dict(dict(config))
            chosen, options = model_class(values, "")
            return chosen(values, **options)
    except MemoryError:
        raise
    except Exception:  # the libraries raise whatever a value leads to; the stage says it when it loads the weights
        return None
