"""Encoders trained in minutes, and a recipe that fits them, for the small versions of studies."""

from __future__ import annotations

from xtransfer.base.declared import JsonObject
from xtransfer.recipes.recipe import Recipe
from xtransfer.study.study import Target

TINY, MINI = "mirror-tiny@0", "mirror-mini@0"
# An encoder of a few million parameters, pretrained for minutes, needs larger and more steps. With the laboratory's
# recipe (5e-4, batch 32, frozen embeddings) its loss on LingNLI, which is adversarial, never fell; with this one it
# falls a little.
RECIPE = Recipe(
    epochs=4,
    batch_size=16,
    learning_rate=1e-3,
    warmup=0.1,
    max_length=96,
    dropout=0.0,
    source="tried on the English dev split of LingNLI with one seed",
)


def recipe(**values: object) -> JsonObject:
    """Returns the recipe with some values replaced."""
    return RECIPE.model_copy(update=values).model_dump(mode="json")


def target(slug: str, *, rows: int | None = None, **values: object) -> JsonObject:
    """Returns a target trained on this many rows, with the recipe and some of its values replaced."""
    own = {"recipe": RECIPE.model_copy(update=values), "train_rows": rows}
    return Target.parse(slug).model_copy(update=own).model_dump(mode="json")
