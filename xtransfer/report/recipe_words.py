"""A recipe in the words of a methods section."""

from __future__ import annotations

from xtransfer.base.words import counted
from xtransfer.recipes.lora import LoraRecipe
from xtransfer.recipes.recipe import Recipe


def in_words(recipe: Recipe) -> str:
    """Returns the values of a recipe, separated by commas."""
    length = counted(recipe.steps, "step") if recipe.steps else f"{recipe.epochs:g} epochs"
    settings = [
        f"AdamW with linear decay to zero from {recipe.learning_rate:g}",
        f"warm-up over {recipe.warmup:.0%} of the steps" if recipe.warmup else "no warm-up",
        f"weight decay {recipe.weight_decay:g}",
        f"gradient norm at most {recipe.clip_norm:g}",
        f"batches of {recipe.batch_size} rows",
        length,
        f"at most {recipe.max_length} tokens",
    ]
    settings += [f"dropout {recipe.dropout:g}"] if recipe.dropout is not None else []
    settings += (
        [f"dropout {recipe.attention_dropout:g} of attention weights"] if recipe.attention_dropout is not None else []
    )
    settings += [f"labels smoothed by {recipe.label_smoothing:g}"] if recipe.label_smoothing else []
    settings += [f"heads at {recipe.head_lr_factor:g} times that rate"] if recipe.head_lr_factor != 1 else []
    settings += (
        [f"each layer at {recipe.layer_decay:g} times the rate of the one above"] if recipe.layer_decay != 1 else []
    )
    settings += [_averaged(recipe)] if recipe.average_last else []
    settings += ["heads on the last token"] if recipe.pooling == "last" else []
    settings += [_adapted(recipe.lora)] if recipe.lora is not None else []
    settings += ["frozen embeddings"] if recipe.freeze_embeddings else []
    settings += ["the head carried over from the intermediate where it fits"] if recipe.head == "carry" else []
    return ", ".join(settings)


def _adapted(lora: LoraRecipe) -> str:
    of = ", ".join(lora.targets) or "attention's queries and values"
    dropout = f", dropout {lora.dropout:g}" if lora.dropout else ""
    return f"LoRA of rank {lora.rank} (alpha {lora.alpha:g}{dropout}) on {of}"


def _averaged(recipe: Recipe) -> str:
    between = counted(recipe.average_every, "step") if recipe.average_every else "an epoch"
    return f"the weights the mean of the last {recipe.average_last} checkpoints, {between} apart"
