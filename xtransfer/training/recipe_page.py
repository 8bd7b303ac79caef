"""The page of the docs that lists the published recipes.

python -m xtransfer.training.recipe_page > docs/recipes.md
"""

from __future__ import annotations

import sys

from xtransfer.recipes.recipe import Recipe
from xtransfer.recipes.recipes import RECIPES

_PAGE = """# Recipes

How the papers trained, as values. A study takes one by name (`target_recipe: xtreme-r-2021/pair`, or
`--set target_recipe=xtreme-r-2021/pair` on the command line; so do `intermediate_recipe` and a target's own `recipe`),
or as values. All are AdamW with a linear decay to zero, gradients clipped at norm 1. A benchmark's own recipe goes
before its kind's. This page is made from the values (`python -m xtransfer.training.recipe_page`).

| recipe | passes | batch | rate | warm-up | decay | tokens | selection | source |
|---|---:|---:|---:|---:|---:|---:|---|---|
"""


def markdown() -> str:
    """The page of the docs: a line for each recipe."""
    lines = [_line(f"{source}/{what}", one) for source, own in RECIPES.items() for what, one in own.items()]
    return _PAGE + "\n".join(lines) + "\n"


def _line(name: str, one: Recipe) -> str:
    passes = f"{one.epochs:g} epochs" if one.epochs is not None else f"{one.steps:,} steps"
    selection = _selection(one)
    values = (one.batch_size, f"{one.learning_rate:g}", f"{one.warmup:.1%}", f"{one.weight_decay:g}", one.max_length)
    return "| " + " | ".join(map(str, (f"`{name}`", passes, *values, selection, one.source))) + " |"


def _selection(one: Recipe) -> str:
    """`best of 500 dev rows every 1,000 steps, until 30 without a gain`, or `last`."""
    if one.select == "last":
        return "last"
    rows = f"best of {one.dev_rows} dev rows" if one.dev_rows is not None else "best of dev"
    until = f", until {one.patience} without a gain" if one.patience is not None else ""
    return f"{rows} every {one.evaluate_every:,} steps{until}"


if __name__ == "__main__":
    sys.stdout.write(markdown())
