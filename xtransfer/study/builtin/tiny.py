"""What small versions share: encoders of minutes, and the recipe that they learn with."""

from __future__ import annotations

from typing import Any

from xtransfer.recipes.recipe import Recipe
from xtransfer.study.study import Target

TINY, MINI = "mirror-tiny@0", "mirror-mini@0"
# An encoder of a few million parameters that has seen minutes of text needs larger and more steps than a pretrained
# one. With the laboratory's recipe (5e-4, batch 32, frozen embeddings) its loss on LingNLI, which was written against
# models, never fell; with this one it does, by little.
RECIPE = Recipe(
    epochs=4,
    batch_size=16,
    learning_rate=1e-3,
    warmup=0.1,
    max_length=96,
    dropout=0.0,
    source="tried on the English dev split of LingNLI with one seed",
)


def recipe(**values: Any) -> dict[str, Any]:
    """The recipe with other values."""
    return RECIPE.model_copy(update=values).model_dump(mode="json")


def target(slug: str, *, rows: int | None = None, **values: Any) -> dict[str, Any]:
    """A target of a small version: so many rows to train on, and the recipe with other values."""
    own = {"recipe": RECIPE.model_copy(update=values), "train_rows": rows}
    return Target.parse(slug).model_copy(update=own).model_dump(mode="json")
