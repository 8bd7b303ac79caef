"""Low-rank adaptation of an encoder with the library peft: inserted before a training, merged into its weights after.

A merged encoder is an ordinary one: it is saved, scored and trained further like any other.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from xtransfer.base.errors import RequestError
from xtransfer.base.randomness import derived, own_randomness
from xtransfer.models.lora_layers import lora_layers
from xtransfer.models.unpadded.routes import has_own_layers
from xtransfer.recipes.lora import LoraRecipe

log = logging.getLogger(__name__)

_ADAPTER = "default"


def insert(encoder: PreTrainedModel, lora: LoraRecipe, seed: int) -> None:
    """Freezes an encoder and puts trainable matrices beside its target layers; the states stay the same at first.

    Raises RequestError if peft is not installed, or the encoder has no such layers.
    """
    try:
        import peft
    except ImportError as error:
        raise RequestError("lora needs the package peft: pip install 'xtransfer[lora]'") from error
    targets = lora_layers(encoder, lora)
    config = peft.LoraConfig(r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets)
    encoder.requires_grad_(False)
    with own_randomness("cpu"):
        torch.manual_seed(derived(seed, "lora"))
        peft.inject_adapter_in_model(config, encoder, _ADAPTER)
    for module in _adapted(encoder).values():
        module.__class__ = _effective()


def needs_padding(encoder: PreTrainedModel, lora: LoraRecipe) -> bool:
    """Returns whether batches must be padded: layers of our own read whole weights, without dropout before them."""
    if lora.dropout == 0 or not has_own_layers(encoder):
        return False
    log.info("lora.dropout is %g: batches of %s are padded", lora.dropout, encoder.config.model_type)
    return True


def merge(encoder: PreTrainedModel) -> None:
    """Adds what was trained to the encoder's weights and removes the matrices."""
    for name, module in _adapted(encoder).items():
        merged = module.weight.detach().clone()
        base = module.get_base_layer()
        base.weight.data.copy_(merged)
        parent, _, child = name.rpartition(".")
        setattr(encoder.get_submodule(parent), child, base)
    if hasattr(encoder, "peft_config"):
        del encoder.peft_config


def _adapted(encoder: PreTrainedModel) -> dict[str, Any]:  # Any: peft's layers
    return {name: module for name, module in encoder.named_modules() if hasattr(module, "lora_A")}


@cache
def _effective() -> type[nn.Module]:
    """Returns peft's layer with a `weight` that includes what was trained, for packed layers, which read weights."""
    from peft.tuners.lora.layer import Linear

    class Effective(Linear):
        @property
        def weight(self) -> Tensor:
            layer: Any = self  # its members have no types of their own
            base: Tensor = layer.get_base_layer().weight
            with torch.autocast(base.device.type, enabled=False):
                product: Tensor = layer.lora_B[_ADAPTER].weight @ layer.lora_A[_ADAPTER].weight
                return torch.add(base, product, alpha=layer.scaling[_ADAPTER])

    return Effective
