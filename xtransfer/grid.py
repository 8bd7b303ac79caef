"""From a study to its cells, and from the cells to the least set of stages. Pure: nothing runs here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xtransfer import benchmarks
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.digest import digest
from xtransfer.encoders import ENCODERS, EncoderRef
from xtransfer.errors import RequestError, unknown
from xtransfer.languages import language
from xtransfer.pins import Pins
from xtransfer.stages import STAGES
from xtransfer.stages.spec import Stage
from xtransfer.study import Intermediate, Part, Study, Target
from xtransfer.training.recipe import Recipe
from xtransfer.translation.engines import ENGINES


@dataclass(frozen=True)
class Cell:
    """One point of the grid; `score` is the stage whose artifact holds its scores and predictions."""

    encoder: str  # `lab-tiny@0`, `xlm-roberta-base@<commit>`
    intermediate: Intermediate
    target: Target
    seed: int
    score: Stage

    @property
    def key(self) -> str:
        """Identity of the cell's result. Cells that differ in the seed alone may share one score stage
        (retrieval by an encoder that nothing was trained on)."""
        return digest("cell", self.score.key, self.seed)

    @property
    def slug(self) -> str:
        return f"{self.encoder} {self.intermediate.slug} {self.target.slug} seed {self.seed}"


@dataclass(frozen=True)
class Plan:
    """A study's cells and the stages that they need, each once, inputs before what reads them."""

    study: Study
    cells: tuple[Cell, ...]
    stages: tuple[Stage, ...]


def plan(study: Study, pins: Pins | None = None) -> Plan:
    """Cells and stages of a study; raises RequestError for anything that could not run, before anything does."""
    _check(study)
    planner = _Planner(study, pins or Pins())
    cells = tuple(
        planner.cell(encoder, intermediate, target, seed)
        for encoder in study.encoders
        for intermediate in study.intermediates
        for target in study.targets
        for seed in study.seeds
    )
    return Plan(study, cells, tuple(planner.stages.values()))


class _Planner:
    """Collects stages by key, so that each is planned once however many cells need it."""

    def __init__(self, study: Study, pins: Pins) -> None:
        self.study = study
        self.pins = pins
        self.stages: dict[str, Stage] = {}

    def stage(self, kind: str, name: str, settings: dict[str, Any], **links: dict[str, str]) -> Stage:
        stage = Stage(kind, STAGES[kind].version, name, settings, **links)
        return self.stages.setdefault(stage.key, stage)

    def cell(self, encoder: str, intermediate: Intermediate, target: Target, seed: int) -> Cell:
        ref = self.pins.encoder(encoder)
        benchmark = benchmarks.get(target.benchmark)
        start = self.intermediate(ref, intermediate, seed) if intermediate.parts else None
        checkpoint = start
        for trained_on in _trained_on(target, benchmark):
            checkpoint = self.target(ref, checkpoint, intermediate, target, trained_on, seed)
        scored = self.score(ref, checkpoint, intermediate, target, seed)
        return Cell(ref.slug, intermediate, target, seed, scored)

    def begin(self, ref: EncoderRef, checkpoint: Stage | None, name: str) -> tuple[dict | None, dict[str, dict]]:
        """What a stage that reads a checkpoint or an encoder is given: setting and links."""
        if checkpoint is not None:
            return None, {"inputs": {name: checkpoint.key}}
        if ref.source == "trained-here":
            return None, {"inputs": {name: self.pretrain(ref).key}}
        if ref.source == "folder":
            return {"digest": ref.revision}, {"places": {name: ref.id}}
        return {"id": ref.id, "revision": ref.revision}, {}

    def pretrain(self, ref: EncoderRef) -> Stage:
        declared = ENCODERS[ref.id]
        return self.stage(
            "pretrain",
            f"pretrain {ref.slug}",
            {
                "corpus": {"name": declared.corpus, "pin": self.pins.corpus(declared.corpus)},
                "num_texts": declared.num_texts,
                "languages": list(declared.languages) if declared.languages else None,
                "recipe": declared.recipe.model_dump(mode="json"),
                "seed": int(ref.revision),
            },
        )

    def translation(self, part: Part) -> Stage:
        assert part.engine is not None
        engine = ENGINES[part.engine]
        model = self.stage(
            "translator",
            f"train translator {engine.name}",
            {
                "corpus": {"name": engine.corpus, "pin": self.pins.corpus(engine.corpus)},
                "num_texts": engine.num_texts,
                "languages": list(engine.languages),
                "recipe": engine.recipe.model_dump(mode="json"),
                "seed": 0,
            },
        )
        has_references = benchmarks.get(part.benchmark).has("train", part.language)
        languages = ["en", part.language] if has_references else ["en"]
        return self.stage(
            "translate",
            f"translate {part.benchmark} to {part.language}",
            {
                "benchmark": part.benchmark,
                "data": self.pins.data(part.benchmark, "train", languages),
                "split": "train",
                "language": part.language,
                "rows": self.study.intermediate_rows,
                "references": has_references,
            },
            inputs={"engine": model.key},
        )

    def intermediate(self, ref: EncoderRef, intermediate: Intermediate, seed: int) -> Stage:
        encoder, links = self.begin(ref, None, "start")
        parts = []
        inputs = dict(links.get("inputs", {}))
        for number, part in enumerate(intermediate.parts):
            if part.engine:
                inputs[f"data-{number}"] = self.translation(part).key
                data = None
            else:
                data = self.pins.data(part.benchmark, "train", [part.language])
            parts.append({"benchmark": part.benchmark, "language": part.language, "data": data})
        recipe = self.study.intermediate_recipe
        return self.stage(
            "train",
            f"train {intermediate.slug} seed {seed}" + self.among_encoders(ref),
            {
                "encoder": encoder,
                "parts": parts,
                "rows": self.study.intermediate_rows,
                "recipe": _values(recipe),
                "seed": seed,
                "dev": self.dev(intermediate.parts[0].benchmark, recipe),
            },
            **{**links, "inputs": inputs},
        )

    def target(
        self,
        ref: EncoderRef,
        start: Stage | None,
        intermediate: Intermediate,
        target: Target,
        trained_on: str,
        seed: int,
    ) -> Stage:
        encoder, links = self.begin(ref, start, "start")
        recipe = self.study.recipe_for(target)
        data = self.pins.data(trained_on, "train", ["en"])
        return self.stage(
            "train",
            f"train {_training_name(target, trained_on)} after {intermediate.slug} seed {seed}"
            + self.among_encoders(ref),
            {
                "encoder": encoder,
                "parts": [{"benchmark": trained_on, "language": "en", "data": data}],
                "rows": target.train_rows,
                "recipe": _values(recipe),
                "seed": seed,
                "dev": self.dev(_selected_on(target, trained_on), recipe),
            },
            **links,
        )

    def score(
        self, ref: EncoderRef, checkpoint: Stage | None, intermediate: Intermediate, target: Target, seed: int
    ) -> Stage:
        encoder, links = self.begin(ref, checkpoint, "checkpoint")
        benchmark = benchmarks.get(target.benchmark)
        scored = _scored_languages(self.study, target)
        pooling = {"pooling": target.pooling.model_dump(mode="json")} if benchmark.retrieves else {}
        dev = {"dev": self.pins.data(target.benchmark, "dev", scored)} if benchmark.calibrated else {}
        return self.stage(
            "score",
            f"score {target.slug} after {intermediate.slug} seed {seed}" + self.among_encoders(ref),
            {
                "encoder": encoder,
                "benchmark": target.benchmark,
                "data": self.pins.data(target.benchmark, target.split, scored),
                "split": target.split,
                "languages": scored,
                "max_length": self.study.recipe_for(target).max_length,
                **pooling,
                **dev,
            },
            **links,
        )

    def dev(self, benchmark: str, recipe: Recipe) -> dict[str, str] | None:
        """The English dev split, which selection reads; nothing where the last checkpoint is taken."""
        if recipe.select == "last":
            return None
        return {"benchmark": benchmark, "data": self.pins.data(benchmark, "dev", ["en"])}

    def among_encoders(self, ref: EncoderRef) -> str:
        return f" on {ref.slug}" if len(self.study.encoders) > 1 else ""


def _values(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(mode="json", exclude={"source"})  # where values come from does not change a result


def _trained_on(target: Target, benchmark: Benchmark) -> tuple[str, ...]:
    """The benchmarks whose English rows a target is trained on; none where the encoder is scored as it comes."""
    if not target.fine_tune:
        return ()
    return target.train_on or ((benchmark.name,) if benchmark.has("train") and not benchmark.retrieves else ())


def _training_name(target: Target, trained_on: str) -> str:
    return target.slug if len(target.train_on) < 2 else f"{target.slug} on {trained_on}"


def _selected_on(target: Target, trained_on: str) -> str:
    """The benchmark whose English dev rows select: the target's own for the last training."""
    return target.benchmark if trained_on == (target.train_on or (trained_on,))[-1] else trained_on


def _scored_languages(study: Study, target: Target) -> list[str]:
    offered = benchmarks.get(target.benchmark).languages_of(target.split)
    return [code for code in offered if study.languages is None or code in study.languages]


def _check(study: Study) -> None:
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
    if not _scored_languages(study, target):
        raise RequestError(
            f"targets: '{benchmark.name}' has none of the languages {', '.join(study.languages or ())} "
            f"(it has {', '.join(benchmark.languages)}): the grid would be empty"
        )
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
