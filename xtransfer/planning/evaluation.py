"""The study that one checkpoint's evaluation is: no intermediate, the targets asked for, published recipes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from xtransfer import benchmarks, kinds
from xtransfer.base.declared import reasons
from xtransfer.base.errors import RequestError
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.models.encoder_check import json_file, positions_of
from xtransfer.recipes import recipes
from xtransfer.recipes.recipe import Recipe
from xtransfer.study import encoders
from xtransfer.study.encoders import EncoderRef
from xtransfer.study.study import Study, Target, make
from xtransfer.study.target_phases import trained_as

_WHY = "here dev is looked at once an epoch"
RECIPES = {
    "pair": recipes.adapted(recipes.recipe("xtreme-r-2021", "pair"), _WHY, evaluate_every=None),
    "choice": recipes.recipe("xtreme-r-2021", "choice"),
    "tags": recipes.adapted(recipes.recipe("xtreme-r-2021", "tags"), _WHY, evaluate_every=None),
    **{name: recipes.recipe("xtreme-r-2021", name) for name in ("span", "squad-answers", "mewsli-x-pairs")},
}  # by kind, or by benchmark where it has one of its own
OTHERS = Recipe(epochs=3, source="transformers' defaults of fine-tuning; nothing is published for this kind")


def evaluation(
    checkpoint: str,
    targets: Sequence[str],
    *,
    languages: Sequence[str] | None = None,
    split: Literal["test", "dev"] = "test",
    rows: int | None = None,
    train_rows: int | None = None,
    seeds: Sequence[int] = (0,),
    recipe: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Study:
    """The study of a checkpoint (folder, hub id, or encoder trained here) on targets, written as in a study.

    A target that one of the checkpoint's heads answers is scored as it comes; others are fine-tuned in English
    first, unless their slug says otherwise (`:as-is`, `xnli<xnli`). `rows` scores so many rows of each language,
    `recipe` replaces fields of every target's recipe. Raises RequestError for what is wrong with a request.
    """
    ref = encoders.resolve(checkpoint)
    heads = _heads(ref)
    made = []
    for text in targets:
        target = _parsed(text)
        benchmark = benchmarks.get(target.benchmark)
        trained = recipe_on(ref, trained_as(target), recipe or {})
        values: dict[str, Any] = {"recipe": trained, "train_rows": train_rows}
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
    """What a target is fine-tuned with where nothing else is asked for."""
    recipe = RECIPES.get(benchmark.name) or RECIPES.get(benchmark.kind, OTHERS)
    return recipe if benchmark.has("dev", "en") else recipe.model_copy(update={"select": "last"})


def answered_by(heads: Mapping[str, Mapping[str, Any]], benchmark: Benchmark) -> str | None:
    """The head that answers a benchmark: its own, else the only one of the same kind and labels."""
    if kinds.retrieves(benchmark):
        return None
    fitting = [
        name
        for name, head in heads.items()
        if head["kind"] == benchmark.kind and tuple(head["labels"]) == benchmark.labels
    ]
    if benchmark.name in fitting:
        return benchmark.name
    return fitting[0] if len(fitting) == 1 else None


def _parsed(text: str) -> Target:
    try:
        return Target.parse(text)
    except ValueError as error:
        raise RequestError(f"target '{text}': {reasons(error)}") from error


def recipe_on(ref: EncoderRef, benchmark: Benchmark, changes: Mapping[str, Any]) -> Recipe:
    """The published recipe of a benchmark's kind with the changes asked for, as far as the encoder reads.

    Raises RequestError for a field that no recipe has, or a value that it cannot have.
    """
    longest = positions_of(ref)
    base = recipe_of(benchmark)
    values = base.model_dump(exclude={"source"} if changes else set())
    if longest is not None:
        values["max_length"] = min(base.max_length, longest)
    if "steps" in changes and "epochs" not in changes:
        values["epochs"] = None
    try:
        return Recipe.model_validate({**values, **changes})
    except ValidationError as error:
        raise RequestError(f"recipe: {reasons(error)} (known: {', '.join(Recipe.model_fields)})") from error


def _heads(ref: EncoderRef) -> dict[str, dict[str, Any]]:
    """The heads that lie beside a checkpoint: benchmark → kind, labels."""
    heads = json_file(ref, "head.json").get("heads")
    return heads if isinstance(heads, dict) else {}


def _short_name(ref: EncoderRef) -> str:
    """A checkpoint's name as part of a study's: `mdeberta-v3-base`, `lab-tiny-0`."""
    name = ref.slug if ref.source == "trained-here" else Path(ref.id).name
    return re.sub(r"[^a-z0-9._-]+", "-", name.casefold()).strip("-.")[:80] or "checkpoint"
