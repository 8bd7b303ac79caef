"""What a study asks for, against what there is: said before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from xtransfer import benchmarks
from xtransfer.base.errors import RequestError
from xtransfer.base.languages import language
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.recipes.pooling import Pooling
from xtransfer.recipes.recipe import Recipe
from xtransfer.study.intermediate import Intermediate, Mixture, Part
from xtransfer.study.study import Study, Target
from xtransfer.study.target_phases import trained_as, trained_on
from xtransfer.translation import engines
from xtransfer.translation.translatable import why_not_into_english


def scored_languages(study: Study, target: Target) -> list[str]:
    """The languages of a target that a study asks for, in the target's order."""
    offered = benchmarks.get(target.benchmark).languages_of(target.split)
    return [code for code in offered if study.languages is None or code in study.languages]


def check(study: Study) -> None:
    """Raises RequestError for anything in a study that could not run, with what could."""
    for code in study.languages or ():
        language(code)
    for target in study.targets:
        _check_target(study, target)
    for intermediate in study.intermediates:
        check_intermediate(intermediate, study.intermediate_recipe, study.align_tags)


def check_intermediate(intermediate: Intermediate, recipe: Recipe | None, align_tags: bool = False) -> None:
    """Raises RequestError for an intermediate that cannot be trained on by `recipe`; None: translated only."""
    for part in intermediate.all_parts:
        _check_part(intermediate, part, align_tags)
    if recipe is not None and recipe.select == "best":
        for phase in intermediate.phases:
            _check_selection(phase)


def _check_target(study: Study, target: Target) -> None:
    benchmark = benchmarks.get(target.benchmark)
    if "target" not in benchmark.roles:
        raise RequestError(f"targets: '{benchmark.name}' has no test data; it can be an intermediate only")
    if not benchmark.has(target.split):
        raise RequestError(f"targets: '{target.slug}': {benchmark.name} has no {target.split} split")
    if not scored_languages(study, target):
        raise RequestError(
            f"targets: '{benchmark.name}' has none of the languages {', '.join(study.languages or ())} "
            f"(it has {', '.join(benchmark.languages_of(target.split))}): the grid would be empty"
        )
    if target.pooling != Pooling() and not benchmark.retrieves:
        raise RequestError(f"targets: '{target.slug}': layer and pooling are for retrieval, not {benchmark.name}")
    if target.fine_tune and study.recipe_for(target).select == "best":
        _check_target_selection(target, benchmark)
    for name in target.train_on:
        _check_trained_on(target, benchmark, benchmarks.get(name))
    if target.translate is not None:
        others = [code for code in scored_languages(study, target) if code != "en"]
        _check_translated(target, others, study.align_tags)


def _check_translated(target: Target, languages: Sequence[str], align_tags: bool) -> None:
    """Every language of a target that a translator is asked for can be translated, from it or to it."""
    engine, where = target.engine or "", f"targets: '{target.slug}'"
    if not languages:
        raise RequestError(f"{where}: English alone is scored, and there is nothing to translate")
    if target.translate == "train":
        if not trained_on(target):
            raise RequestError(f"{where}: nothing is trained for it that could be translated")
        if benchmarks.get(target.benchmark).retrieves:
            raise RequestError(f"{where}: vectors of checkpoints that were trained apart cannot be compared")
        _check_each(
            where,
            languages,
            [partial(engines.check, engine, name, align_tags=align_tags) for name in trained_on(target)],
        )
        return
    if reason := why_not_into_english(benchmarks.get(target.benchmark).kind):
        raise RequestError(f"{where}: its test rows cannot be translated: {reason}")
    _check_each(
        where, languages, [lambda code: engines.check(engine, target.benchmark, "en", target.split, source=code)]
    )


def _check_each(where: str, languages: Sequence[str], checks: Sequence[Callable[[str], None]]) -> None:
    faults = {}
    for code in languages:
        for one in checks:
            try:
                one(code)
            except RequestError as error:
                faults[code] = error
    if faults:
        first = next(iter(faults.values()))
        able = [code for code in languages if code not in faults]
        hint = f"; set languages to some of en, {', '.join(able)}" if able else ""
        raise RequestError(f"{where}: not in {', '.join(faults)}: {first}{hint}")


def _check_target_selection(target: Target, benchmark: Benchmark) -> None:
    """A target is selected on its own English dev rows; where it compares vectors, on those it was trained on."""
    if benchmark.retrieves and not target.train_on:
        return  # nothing is trained
    selected = trained_as(target)
    if selected.retrieves or not selected.metric or not selected.has("dev", "en"):
        raise RequestError(f"targets: '{target.slug}': {selected.name} has no English dev rows; set select: last")


def _check_trained_on(target: Target, benchmark: Benchmark, trained_on: Benchmark) -> None:
    if not benchmark.retrieves and trained_on.kind != benchmark.kind:
        raise RequestError(
            f"targets: '{target.slug}': {trained_on.name} is of kind {trained_on.kind}, "
            f"{benchmark.name} of kind {benchmark.kind}"
        )
    if not trained_on.has("train", "en"):
        raise RequestError(f"targets: '{target.slug}': {trained_on.name} has no English rows to train on")


def _check_selection(phase: Mixture) -> None:
    """Each phase of an intermediate is selected on the English dev rows of its first part."""
    first = benchmarks.get(phase.parts[0].benchmark)
    if first.retrieves or not first.metric or not first.has("dev", "en"):
        raise RequestError(
            f"intermediates: '{phase.slug}': {first.name}, its first part, has no English dev rows to select "
            "on; name another part first, or set intermediate_recipe.select=last"
        )


def _check_part(intermediate: Intermediate, part: Part, align_tags: bool) -> None:
    try:
        benchmark = benchmarks.get(part.benchmark)
    except RequestError as error:
        raise RequestError(f"intermediates: part '{part.slug}' of '{intermediate.slug}': {error}") from error
    if "intermediate" not in benchmark.roles or not benchmark.has("train"):
        raise RequestError(f"intermediates: nothing can be trained on '{benchmark.name}'")
    if part.engine is None and not benchmark.has("train", part.language):
        raise RequestError(
            f"intermediates: '{part.slug}': {benchmark.name} has no rows in '{part.language}' (it has "
            f"{', '.join(benchmark.languages_of('train'))}); write {part.slug}~ENGINE to translate the English rows"
        )
    if part.engine is None:
        return
    try:
        engines.check(part.engine, part.benchmark, part.language, align_tags=align_tags)
    except RequestError as error:
        raise RequestError(f"intermediates: '{part.slug}': {error}") from error
