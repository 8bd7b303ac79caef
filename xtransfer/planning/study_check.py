"""Checks that everything a study asks for exists and fits together, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec

from xtransfer import benchmarks, kinds
from xtransfer.base.errors import RequestError, unknown
from xtransfer.base.languages import language
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.data.source import LAB
from xtransfer.kinds.check import fault
from xtransfer.kinds.unfit import unfit
from xtransfer.planning.target_phases import trained_as, trained_on
from xtransfer.recipes.pooling import Pooling
from xtransfer.recipes.recipe import Recipe
from xtransfer.study.intermediate import Intermediate, Mixture, MixturePart
from xtransfer.study.rounds import Rounds
from xtransfer.study.study import Study, Target
from xtransfer.translation import engines
from xtransfer.translation.translatable import why_not_into_english


def scored_languages(study: Study, target: Target) -> list[str]:
    """Returns the languages in which a study scores a target, in the target's order."""
    offered = benchmarks.get(target.benchmark).languages_of(target.split)
    return [code for code in offered if study.languages is None or code in study.languages]


def check(study: Study) -> None:
    """Raises RequestError for anything in a study that cannot run, naming what can."""
    for code in study.languages or ():
        language(code)
    for target in study.targets:
        _check_target(study, target)
    if study.rounds is not None:
        study.rounds.check(study)
        _check_language(study, study.rounds)
    for intermediate in study.intermediates:
        check_intermediate(intermediate, study.intermediate_recipe, study.align_tags)
    for field, recipe in study.recipes().items():
        if recipe.lora is not None and find_spec("peft") is None:
            raise RequestError(f"{field}: lora needs the package peft: pip install 'xtransfer[lora]'")


def _check_language(study: Study, rounds: Rounds) -> None:
    """Raises RequestError if the target is not scored in what the rounds ask about."""
    slug = rounds.target_in(study)
    languages = scored_languages(study, next(one for one in study.targets if one.slug == slug))
    means = ["mean-but-en"] if set(languages) - {"en"} else []
    if rounds.language not in [*means, *languages]:
        raise unknown("rounds.language", rounds.language, [*means, *languages])


def check_intermediate(intermediate: Intermediate, recipe: Recipe, align_tags: bool = False) -> None:
    """Raises RequestError for an intermediate that cannot be trained on with `recipe`."""
    for part in intermediate.all_parts:
        of = f" of '{intermediate.slug}'" if part.slug != intermediate.slug else ""
        check_part(part, f"intermediates: '{part.slug}'{of}", align_tags)
        if said := unfit(benchmarks.get(part.benchmark), recipe):
            raise RequestError(f"intermediates: '{part.slug}'{of}: {said}")
    if recipe.select == "best":
        for phase in intermediate.phases:
            _check_selection(phase)


def _declared(name: str) -> Benchmark:
    """Returns a benchmark whose declaration fits its kind and metrics."""
    benchmark = benchmarks.get(name)
    if said := fault(benchmark):
        raise RequestError(f"benchmark '{name}': {said}")
    return benchmark


def _check_target(study: Study, target: Target) -> None:
    benchmark = _declared(target.benchmark)
    if "target" not in benchmark.roles:
        raise RequestError(f"targets: '{benchmark.name}' has no test data; it can only be an intermediate")
    if not benchmark.has(target.split):
        raise RequestError(f"targets: '{target.slug}': {benchmark.name} has no {target.split} split")
    if not scored_languages(study, target):
        raise RequestError(
            f"targets: '{benchmark.name}' has none of the languages {', '.join(study.languages or ())} "
            f"(it has {', '.join(benchmark.languages_of(target.split))}), so there is nothing to score"
        )
    if target.pooling != Pooling() and not kinds.retrieves(benchmark):
        raise RequestError(f"targets: '{target.slug}': layer and pooling need retrieval; {benchmark.name} has a head")
    if any(target.pooling.prompts.values()) and not kinds.get(benchmark.kind).prompts:
        raise RequestError(f"targets: '{target.slug}': {benchmark.kind} has neither queries nor passages")
    if trained_on(target) and not target.train_on and not benchmark.has("train", "en"):
        raise RequestError(_no_english(target, benchmark))
    if target.fine_tune and study.recipe_for(target).select == "best":
        _check_target_selection(target, benchmark)
    for name in trained_on(target):
        if said := unfit(_declared(name), study.recipe_for(target)):
            raise RequestError(f"targets: '{target.slug}': {said}")
    for name in target.train_on:
        _check_trained_on(target, benchmark, _declared(name))
    if target.translate is not None:
        others = [code for code in scored_languages(study, target) if code != "en"]
        _check_translated(target, others, study.align_tags)


def _no_english(target: Target, benchmark: Benchmark) -> str:
    """Returns the message for a target whose training rows are all in other languages."""
    others = [
        name
        for name, one in benchmarks.BENCHMARKS.items()
        if (one.kind, one.labels) == (benchmark.kind, benchmark.labels) and one.has("train", "en")
    ]
    others.sort(key=lambda name: benchmarks.get(name).source.path == LAB)  # last: a world of its own
    slug = target.model_copy(update={"train_on": (others[0] if others else "OTHER",)}).slug
    like = f" (or {', '.join(others[1:4])})" if others[1:] else "" if others else ", a benchmark of its kind and labels"
    return (
        f"targets: '{target.slug}': {benchmark.name} has no English rows to train on (it has "
        f"{', '.join(benchmark.languages_of('train'))}); train on another benchmark's English rows: {slug}{like}"
    )


def _check_translated(target: Target, languages: Sequence[str], align_tags: bool) -> None:
    """Checks that every language of a translated target can be translated, from or to English."""
    engine, where = target.engine or "", f"targets: '{target.slug}'"
    if not languages:
        raise RequestError(f"{where}: only English is scored, so there is nothing to translate")
    if target.translate == "train":
        if not trained_on(target):
            raise RequestError(f"{where}: it has no training rows to translate")
        if kinds.retrieves(benchmarks.get(target.benchmark)):
            raise RequestError(f"{where}: retrieval cannot compare vectors of checkpoints trained per language")
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
        hint = f"; set languages to a selection of en, {', '.join(able)}" if able else ""
        raise RequestError(f"{where}: cannot be translated for {', '.join(faults)}: {first}{hint}")


def _check_target_selection(target: Target, benchmark: Benchmark) -> None:
    """Checks the English dev rows for selection: the target's, or for retrieval, of the last training benchmark."""
    if kinds.retrieves(benchmark) and not target.train_on:
        return  # nothing is trained
    selected = trained_as(target)
    if kinds.retrieves(selected) or not selected.metric or not selected.has("dev", "en"):
        raise RequestError(f"targets: '{target.slug}': {selected.name} has no English dev rows; set select: last")


def _check_trained_on(target: Target, benchmark: Benchmark, trained_on: Benchmark) -> None:
    retrieves = kinds.retrieves(benchmark)
    if not retrieves and trained_on.kind != benchmark.kind:
        raise RequestError(
            f"targets: '{target.slug}': {trained_on.name} is of kind {trained_on.kind}, "
            f"{benchmark.name} of kind {benchmark.kind}; train on benchmarks of the same kind"
        )
    if not trained_on.has("train", "en"):
        raise RequestError(f"targets: '{target.slug}': {trained_on.name} has no English rows to train on")
    if trained_on.name == target.train_on[-1] and trained_on.labels != benchmark.labels and not retrieves:
        raise RequestError(
            f"targets: '{target.slug}': the head of {trained_on.name} has labels {', '.join(trained_on.labels)}, and "
            f"{benchmark.name} has {', '.join(benchmark.labels)}; end with a benchmark of the same labels in this order"
        )


def _check_selection(phase: Mixture) -> None:
    """Checks the English dev rows of the first part, which select the checkpoint of a phase."""
    first = benchmarks.get(phase.parts[0].benchmark)
    if kinds.retrieves(first) or not first.metric or not first.has("dev", "en"):
        raise RequestError(
            f"intermediates: '{phase.slug}': its first part {first.name} has no English dev rows for selection; put "
            "another part first, or set intermediate_recipe.select=last"
        )


def check_part(part: MixturePart, where: str, align_tags: bool) -> None:
    """Raises RequestError, which names `where`, for rows that do not exist or cannot be translated."""
    try:
        language(part.language)
        benchmark = _declared(part.benchmark)
    except RequestError as error:
        raise RequestError(f"{where}: {error}") from error
    if "intermediate" not in benchmark.roles or not benchmark.has("train"):
        raise RequestError(f"{where}: {benchmark.name} has no training rows")
    if benchmark.english is not None and (part.engine is not None or part.language == "en"):
        raise RequestError(
            f"{where}: the English rows of {benchmark.name} are those of {benchmark.english.name}, which its targets "
            f"are trained on; name {benchmark.english.name} instead"
        )
    if part.engine is None and not benchmark.has("train", part.language):
        raise RequestError(
            f"{where}: {benchmark.name} has no rows in '{part.language}' (it has "
            f"{', '.join(benchmark.languages_of('train'))}); write {part.slug}~ENGINE to translate the English rows"
        )
    if part.engine is None:
        return
    try:
        engines.check(part.engine, part.benchmark, part.language, align_tags=align_tags)
    except RequestError as error:
        raise RequestError(f"{where}: {error}") from error
