"""Single runs, smaller than a study: translations, intermediate checkpoints, or fine-tuned targets.

Their stages are the same as in a study's grid, so a study that needs them finds them in the store. Computes only; runs
nothing. Every function raises RequestError for what cannot run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xtransfer import benchmarks
from xtransfer.base.declared import LARGEST_NUMBER, LARGEST_SEED, reasons
from xtransfer.base.errors import RequestError
from xtransfer.base.stage import Stage
from xtransfer.data.revisions import Pins
from xtransfer.models.encoder_check import check_encoder
from xtransfer.planning.evaluation import recipe_on
from xtransfer.planning.planner import Planner
from xtransfer.planning.study_check import check, check_intermediate, check_part
from xtransfer.planning.target_phases import trained_as
from xtransfer.planning.translation_planner import TranslationPlanner
from xtransfer.recipes.recipe import Recipe
from xtransfer.study.encoders import EncoderRef
from xtransfer.study.intermediate import Intermediate, MixturePart
from xtransfer.study.study import Target, make
from xtransfer.translation.engines import check_way_back


@dataclass(frozen=True)
class Wanted:
    """Requested artifacts: the stage of each, and all stages they depend on, inputs first."""

    results: tuple[Stage, ...]
    stages: tuple[Stage, ...]


def translations(
    benchmark: str,
    languages: Sequence[str],
    engine: str,
    rows: int | None = None,
    pins: Pins | None = None,
    align_tags: bool = False,
    way_back: str | None = None,
) -> Wanted:
    """Plans translations of a benchmark's English training rows to other languages.

    `rows` limits them to this many; `align_tags` is as in a study. `way_back` is an engine that translates some
    sentences back; its results come after the translations.
    """
    _check_rows(rows=rows)
    parts = [MixturePart(benchmark=benchmark, language=code, engine=engine) for code in dict.fromkeys(languages)]
    if not parts:
        raise RequestError("languages: give at least one to translate to")
    for part in parts:
        check_part(part, f"{benchmark} to {part.language}", align_tags)
        if way_back is not None:
            check_way_back(way_back, part.language)
    planner = TranslationPlanner(pins or Pins(), rows)
    results = [planner.part(part) for part in parts]
    if way_back is not None:
        results += [planner.round_trip(planner.asked(part), way_back) for part in parts]
    return Wanted(tuple(results), tuple(planner.stages.values()))


def intermediate_training(
    encoder: str,
    intermediate: str,
    seeds: Sequence[int],
    *,
    rows: int | None = None,
    recipe: Mapping[str, object] | None = None,
    pins: Pins | None = None,
) -> Wanted:
    """Plans checkpoints of an encoder trained on an intermediate, one per seed.

    `recipe` replaces fields of the published recipe for its first part's kind.
    """
    _check_rows(rows=rows)
    first = _intermediate(intermediate)
    if not first.phases:
        raise RequestError("intermediate: 'direct' trains on nothing; give a benchmark, such as mnli@en")
    pins = pins or Pins()
    ref = pins.encoder(encoder)
    own = _intermediate_recipe(ref, first, recipe)
    check_encoder(ref, {"recipe": own})
    planner = Planner(pins, rows, own)
    trained = (planner.intermediate(ref, first, seed) for seed in _distinct(seeds))
    results = tuple(stage for stage in trained if stage is not None)
    return Wanted(results, tuple(planner.stages.values()))


def target_training(
    encoder: str,
    target: str,
    seeds: Sequence[int],
    *,
    after: str = "direct",
    rows: int | None = None,
    recipe: Mapping[str, object] | None = None,
    after_rows: int | None = None,
    after_recipe: Mapping[str, object] | None = None,
    pins: Pins | None = None,
) -> Wanted:
    """Plans checkpoints of an encoder fine-tuned on a target in English, one per seed, `after` an intermediate."""
    _check_rows(rows=rows, after_rows=after_rows)
    pins = pins or Pins()
    ref = pins.encoder(encoder)
    first = _intermediate(after)
    first_recipe = _intermediate_recipe(ref, first, after_recipe) if first.parts else Recipe(epochs=1)
    asked = _target(ref, target, rows, recipe, first, first_recipe)
    earlier = {"after_recipe": first_recipe} if first.parts else {}
    check_encoder(ref, {**earlier, "recipe": asked.recipe or first_recipe})
    planner = Planner(pins, after_rows, first_recipe)
    results = []
    for seed in _distinct(seeds):
        start = planner.intermediate(ref, first, seed) if first.parts else None
        result = planner.target(ref, start, first, asked, asked.recipe or first_recipe, seed)
        if result is None or result is start:
            raise RequestError(f"target: '{asked.slug}' needs no training; score it with `xtransfer evaluate`")
        results.append(result)
    return Wanted(tuple(results), tuple(planner.stages.values()))


def _target(
    ref: EncoderRef,
    text: str,
    rows: int | None,
    changes: Mapping[str, object] | None,
    first: Intermediate,
    recipe: Recipe,
) -> Target:
    """Returns the target of a slug with its recipe, checked like a study's."""
    study = make(
        {"name": "target", "encoders": [ref.slug], "intermediates": [first.slug], "targets": [text],
         "intermediate_recipe": recipe.model_dump(mode="json")},
        "target",
    )  # fmt: skip
    target = study.targets[0]
    if target.translate is not None:
        raise RequestError(f"target: '{target.slug}': translating for a target needs a study; remove the mark")
    values = {"recipe": recipe_on(ref, trained_as(target), changes or {}), "train_rows": rows}
    target = target.model_copy(update=values)
    check(study.model_copy(update={"targets": (target,)}))
    return target


def _intermediate(text: str) -> Intermediate:
    try:
        return Intermediate.parse(text)
    except ValueError as error:
        raise RequestError(f"intermediate: {reasons(error)}") from error


def _intermediate_recipe(ref: EncoderRef, first: Intermediate, changes: Mapping[str, object] | None) -> Recipe:
    recipe = recipe_on(ref, benchmarks.get(first.parts[0].benchmark), changes or {})
    check_intermediate(first, recipe)
    return recipe


def _check_rows(**rows: int | None) -> None:
    for name, number in rows.items():
        if number is not None and not 1 <= number <= LARGEST_NUMBER:
            raise RequestError(f"{name}: {number} is not from 1 to {LARGEST_NUMBER}; leave it out for all rows")


def _distinct(seeds: Sequence[int]) -> list[int]:
    if not seeds:
        raise RequestError("seeds: give at least one, such as 0")
    if wrong := [seed for seed in seeds if not 0 <= seed <= LARGEST_SEED]:
        raise RequestError(f"seeds: {wrong[0]} is not from 0 to {LARGEST_SEED}")
    return list(dict.fromkeys(seeds))
