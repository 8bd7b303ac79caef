"""What a study asks for, against what there is: said before anything runs."""

from __future__ import annotations

from xtransfer import benchmarks
from xtransfer.errors import RequestError, unknown
from xtransfer.languages import language
from xtransfer.pooling import Pooling
from xtransfer.study import Part, Study, Target
from xtransfer.translation.engines import ENGINES


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
        for part in intermediate.parts:
            _check_part(part)


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
    trains = target.fine_tune and not benchmark.retrieves
    if trains and study.recipe_for(target).select == "best" and not benchmark.has("dev", "en"):
        raise RequestError(f"targets: '{target.slug}': {benchmark.name} has no English dev rows; set select: last")
    for name in target.train_on:
        trained_on = benchmarks.get(name)
        if trained_on.kind != benchmark.kind:
            raise RequestError(
                f"targets: '{target.slug}': {name} is of kind {trained_on.kind}, "
                f"{benchmark.name} of kind {benchmark.kind}"
            )
        if not trained_on.has("train", "en"):
            raise RequestError(f"targets: '{target.slug}': {name} has no English rows to train on")


def _check_part(part: Part) -> None:
    benchmark = benchmarks.get(part.benchmark)
    if "intermediate" not in benchmark.roles or not benchmark.has("train"):
        raise RequestError(f"intermediates: nothing can be trained on '{benchmark.name}'")
    if part.engine is None and not benchmark.has("train", part.language):
        raise RequestError(
            f"intermediates: '{part.slug}': {benchmark.name} has no rows in '{part.language}' (it has "
            f"{', '.join(benchmark.languages_of('train'))}); write {part.slug}~ENGINE to translate the English rows"
        )
    if part.engine is None:
        return
    if part.engine not in ENGINES:
        raise unknown("translation engine", part.engine, ENGINES)
    if part.language not in ENGINES[part.engine].languages or part.language == "en":
        raise RequestError(
            f"intermediates: '{part.slug}': {part.engine} translates to "
            f"{', '.join(code for code in ENGINES[part.engine].languages if code != 'en')}"
        )
