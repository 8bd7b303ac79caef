"""Checks that the values of a recipe mean something for a benchmark's kind, before anything runs."""

from __future__ import annotations

from collections.abc import Iterable

from xtransfer.base.errors import RequestError
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.kinds import KINDS, get
from xtransfer.recipes.recipe import Recipe

_LABELS = {"label", "tags"}  # fields of kinds that predict labels


def unfit(benchmark: Benchmark, recipe: Recipe) -> str | None:
    """Returns, in one sentence, why a benchmark cannot be trained on with a recipe; None if it can."""
    kind = get(benchmark.kind)
    if recipe.label_smoothing and not _LABELS & set(kind.fields):
        able = [name for name, one in KINDS.items() if one.head is not None and _LABELS & set(one.fields)]
        return (
            f"label_smoothing needs labels, and {benchmark.name} is of kind {kind.name} (kinds with labels: "
            f"{', '.join(sorted(able))}); set label_smoothing to 0"
        )
    if recipe.pooling == "last" and not (kind.pools or kind.dual):
        return (
            f"pooling: last needs a head that reads one token of each text, and {benchmark.name} is of kind "
            f"{kind.name}, whose head reads all; set pooling: first"
        )
    if kind.dual and not kind.prompts and (recipe.dual.query_prompt or recipe.dual.passage_prompt):
        return f"dual: {benchmark.name} is of kind {kind.name}, which has neither queries nor passages to prompt"
    return None


def refuse_unfit(benchmarks: Iterable[Benchmark], recipe: Recipe) -> None:
    """Raises RequestError if one of the benchmarks cannot be trained on with a recipe."""
    for benchmark in benchmarks:
        if said := unfit(benchmark, recipe):
            raise RequestError(said)


def reads_last(benchmark: Benchmark, recipe: Recipe) -> bool:
    """Returns whether a head trained with a recipe reads each text's last token, which a causal decoder needs."""
    kind = get(benchmark.kind)
    return recipe.dual.pooling == "last" if kind.dual else kind.pools and recipe.pooling == "last"
