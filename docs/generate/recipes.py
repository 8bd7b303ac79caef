"""The published recipes: a table of their values and sources, and one of the settings that a recipe has."""

from __future__ import annotations

import sys

from docs.generate.fields import field_table
from docs.generate.tables import table
from xtransfer.recipes.dual import DualRecipe
from xtransfer.recipes.lora import LoraRecipe
from xtransfer.recipes.recipe import Recipe
from xtransfer.recipes.recipes import RECIPES

_HEADINGS = ("recipe", "passes", "batch", "rate", "warm-up", "decay", "tokens", "selection", "source")


def markdown() -> str:
    """Published recipes, then the settings with their defaults."""
    published = [_line(f"{source}/{what}", one) for source, own in RECIPES.items() for what, one in own.items()]
    numbers = _HEADINGS[1:7]
    return (
        f"## Published recipes\n\n{table(_HEADINGS, published, right=numbers)}\n\n"
        f"## Settings of a recipe\n\n{field_table(('', Recipe), ('lora.', LoraRecipe), ('dual.', DualRecipe))}\n"
    )


def _line(name: str, one: Recipe) -> list[str]:
    passes = f"{one.epochs:g} epochs" if one.epochs is not None else f"{one.steps:,} steps"
    values = (one.batch_size, f"{one.learning_rate:g}", f"{one.warmup:.1%}", f"{one.weight_decay:g}", one.max_length)
    return [f"`{name}`", passes, *map(str, values), _selection(one), one.source]


def _selection(one: Recipe) -> str:
    """`best of 500 dev rows every 1,000 steps, until 30 without a gain`, or `last`."""
    if one.select == "last":
        return "last"
    rows = f"best of {one.dev_rows} dev rows" if one.dev_rows is not None else "best of dev"
    until = f", until {one.patience} without a gain" if one.patience is not None else ""
    return f"{rows} every {one.evaluate_every:,} steps{until}"


if __name__ == "__main__":
    sys.stdout.write(markdown())
