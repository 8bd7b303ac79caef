"""Learning rates of the parts of a model: heads by a factor, layers by their depth.

Layer-wise decay is discriminative fine-tuning (Howard & Ruder 2018): lower layers, which hold more general features,
change less.
"""

from __future__ import annotations

from torch import nn

from xtransfer.base.errors import RequestError
from xtransfer.models.model import Model
from xtransfer.recipes.recipe import Recipe


def rate_factors(model: Model, recipe: Recipe) -> dict[str, float]:
    """Returns, by name of a parameter, its learning rate as a multiple of the recipe's; others have the recipe's own.

    Raises RequestError if layers are to differ, and the encoder has no stack of them.
    """
    factors: dict[str, float] = {}
    if recipe.head_lr_factor != 1:
        factors.update((f"heads.{name}", recipe.head_lr_factor) for name, _ in model.heads.named_parameters())
    if recipe.layer_decay != 1:
        depth, layers = layers_of(model.encoder)
        factors.update((f"encoder.{name}", recipe.layer_decay ** (depth - layer)) for name, layer in layers.items())
    return factors


def layers_of(encoder: nn.Module) -> tuple[int, dict[str, int]]:
    """Returns the number of layers, and each parameter's layer by name: 1 to that number, 0 for the embeddings.

    Embeddings are below the first layer wherever they stand, as mDeBERTa's of relative positions, which every layer
    reads, and the norm of these. What else comes after the last layer, such as a norm, counts as part of it. Raises
    RequestError if there is no list of as many layers as the configuration says, as in ALBERT, whose layers share
    their weights.
    """
    config = encoder.config
    depth = int(getattr(config, "num_hidden_layers", 0))
    stacks = [
        f"{name}."
        for name, module in encoder.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) == depth
    ]
    if not stacks:
        raise RequestError(
            f"layer_decay: a model of type '{getattr(config, 'model_type', '')}' has no list of {depth} layers, each "
            "with weights of its own; leave layer_decay out"
        )
    layers: dict[str, int] = {}
    outside = 0  # the embeddings come first
    below = {f"{name}.weight" for name, module in encoder.named_modules() if isinstance(module, nn.Embedding)}
    below |= {
        f"{name}.LayerNorm.{value}"
        for name, module in encoder.named_modules()
        if hasattr(module, "rel_embeddings")
        for value in ("weight", "bias")
    }
    for name, _ in encoder.named_parameters():
        stack = next((one for one in stacks if name.startswith(one)), None)  # the outermost, which comes first
        if stack is None:
            layers[name] = 0 if name in below else outside
        else:
            layers[name] = int(name.removeprefix(stack).partition(".")[0]) + 1
            outside = depth
    return depth, layers
