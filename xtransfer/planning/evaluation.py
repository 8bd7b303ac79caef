"""Builds the study that evaluates one checkpoint: no intermediate, the given targets, published recipes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from xtransfer import benchmarks
from xtransfer.base.declared import reasons, unstorable
from xtransfer.base.errors import RequestError
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.models.encoder_check import positions_of
from xtransfer.planning.heads import answered_by, heads_of
from xtransfer.planning.target_phases import trained_as
from xtransfer.recipes import recipes
from xtransfer.recipes.recipe import Recipe
from xtransfer.study import encoders
from xtransfer.study.encoders import EncoderRef
from xtransfer.study.study import Study, Target, make

_WHY = "here dev is evaluated once per epoch"
RECIPES = {
    "pair": recipes.adapted(recipes.recipe("xtreme-r-2021", "pair"), _WHY, evaluate_every=None),
    "choice": recipes.recipe("xtreme-r-2021", "choice"),
    "tags": recipes.adapted(recipes.recipe("xtreme-r-2021", "tags"), _WHY, evaluate_every=None),
    **{name: recipes.recipe("xtreme-r-2021", name) for name in ("span", "squad-answers", "mewsli-x-pairs")},
}  # by kind, or by benchmark if it has its own
OTHERS = Recipe(epochs=3, source="transformers' fine-tuning defaults; no recipe is published for this kind")


def evaluation(
    checkpoint: str,
    targets: Sequence[str],
    *,
    languages: Sequence[str] | None = None,
    split: Literal["test", "dev"] = "test",
    rows: int | None = None,
    train_rows: int | None = None,
    seeds: Sequence[int] = (0,),
    recipe: Mapping[str, object] | None = None,
    name: str | None = None,
) -> Study:
    """Returns the study that scores a checkpoint (folder, hub id, or encoder trained here) on targets (study slugs).

    A target that one of the checkpoint's heads fits is scored as it is; others are fine-tuned in English first, unless
    their slug says otherwise (`:as-is`, `xnli<xnli`). `rows` scores only this many rows per language; `recipe` replaces
    fields of every target's recipe. Raises RequestError for an invalid request.
    """
    ref = encoders.resolve(checkpoint)
    heads = heads_of(ref)
    made = []
    for text in targets:
        target = _parsed(text)
        benchmark = benchmarks.get(target.benchmark)
        trained = recipe_on(ref, trained_as(target), recipe or {})
        values: dict[str, object] = {"recipe": trained, "train_rows": train_rows}
        if split != "test":
            values["split"] = split
        if rows is not None:
            values["score_rows"] = rows
        as_it_comes = target.translate != "train" and not target.train_on and answered_by(heads, benchmark)
        if not target.fine_tune or as_it_comes:
            values |= {"fine_tune": False, "train_rows": None}
        made.append(target.model_copy(update=values).model_dump(mode="json"))
    return make(
        {
            "name": name or f"evaluate-{_short_name(ref)}",
            "question": f"How good is {ref.slug}?",
            "encoders": [checkpoint],
            "intermediates": ["direct"],
            "targets": made,
            "languages": list(languages) if languages else None,
            "seeds": list(seeds),
        },
        "evaluation",
    )


def recipe_of(benchmark: Benchmark) -> Recipe:
    """Returns the default recipe for fine-tuning on a benchmark."""
    recipe = RECIPES.get(benchmark.name) or RECIPES.get(benchmark.kind, OTHERS)
    return recipe if benchmark.has("dev", "en") else recipe.model_copy(update={"select": "last"})


def _parsed(text: str) -> Target:
    try:
        return Target.parse(text)
    except ValueError as error:
        said = reasons(error)
        raise RequestError(f"target {said}" if said.startswith(f"'{text}'") else f"target '{text}': {said}") from error


def recipe_on(ref: EncoderRef, benchmark: Benchmark, changes: Mapping[str, object]) -> Recipe:
    """Returns the default recipe of a benchmark with changes, its length limited to the encoder's positions.

    Raises RequestError for an unknown field or an invalid value.
    """
    longest = positions_of(ref)
    base = recipe_of(benchmark)
    values = base.model_dump(exclude={"source"} if changes else set())
    if longest is not None:
        values["max_length"] = min(base.max_length, longest)
    if "steps" in changes and "epochs" not in changes:
        values["epochs"] = None
    if fault := unstorable(dict(changes)):
        raise RequestError(f"recipe: {fault}")
    try:
        return Recipe.model_validate({**values, **changes})
    except ValidationError as error:
        raise RequestError(f"recipe: {reasons(error, Recipe)}") from error


def _short_name(ref: EncoderRef) -> str:
    """Returns a checkpoint's name for use in a study's name: `mdeberta-v3-base`, `lab-tiny-0`."""
    name = ref.slug if ref.source == "trained-here" else Path(ref.id).name
    return re.sub(r"[^a-z0-9._-]+", "-", name.casefold()).strip("-.")[:80] or "checkpoint"
