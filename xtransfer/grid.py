"""From a study to its cells, and from the cells to the least set of stages. Pure: nothing runs here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xtransfer import benchmarks
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.digest import digest
from xtransfer.encoders import ENCODERS, EncoderRef
from xtransfer.pins import Pins
from xtransfer.stages import STAGES
from xtransfer.stages.spec import Stage
from xtransfer.study import Intermediate, Part, Study, Target
from xtransfer.study_check import check, scored_languages
from xtransfer.training.recipe import Recipe
from xtransfer.translation.engines import ENGINES, EngineTrainedHere


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
    check(study)
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
        engine, links = self.engine(part)
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
                **engine,
            },
            **links,
        )

    def engine(self, part: Part) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
        """What a translate stage is given of its engine: settings and links."""
        assert part.engine is not None
        engine = ENGINES[part.engine]
        if isinstance(engine, EngineTrainedHere):
            return {}, {"inputs": {"engine": self.translator(engine).key}}
        model, links = self.begin(self.pins.encoder(engine.model(part.language)), None, "engine")
        return {"engine": model, "beams": engine.beams}, links

    def translator(self, engine: EngineTrainedHere) -> Stage:
        return self.stage(
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
            weight = {"weight": part.weight} if part.weight != 1 else {}
            parts.append({"benchmark": part.benchmark, "language": part.language, "data": data, **weight})
        recipe = self.study.intermediate_recipe
        sampling = intermediate.sampling.model_dump(mode="json", exclude_defaults=True)
        return self.stage(
            "train",
            f"train {intermediate.slug} seed {seed}" + self.among_encoders(ref),
            {
                "encoder": encoder,
                "parts": parts,
                "rows": self.study.intermediate_rows,
                "recipe": recipe.deciding(),
                "seed": seed,
                "dev": self.dev(intermediate.parts[0].benchmark, recipe),
                **({"sampling": sampling} if sampling else {}),
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
                "recipe": recipe.deciding(),
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
        scored = scored_languages(self.study, target)
        rows = {"rows": target.score_rows} if target.score_rows is not None else {}
        pooling = {"pooling": target.pooling.model_dump(mode="json")} if benchmark.retrieves else {}
        dev = {"dev": self.pins.data(target.benchmark, "dev", scored)} if benchmark.calibrated else {}
        precision = {"precision": target.precision} if target.precision != "fp32" else {}
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
                **rows,
                **pooling,
                **dev,
                **precision,
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


def _trained_on(target: Target, benchmark: Benchmark) -> tuple[str, ...]:
    """The benchmarks whose English rows a target is trained on; none where the encoder is scored as it comes."""
    if not target.fine_tune:
        return ()
    return target.train_on or ((benchmark.name,) if benchmark.has("train") and not benchmark.retrieves else ())


def _training_name(target: Target, trained_on: str) -> str:
    return target.slug if len(target.train_on) < 2 else f"{target.slug} on {trained_on}"


def _selected_on(target: Target, trained_on: str) -> str:
    """The benchmark whose English dev rows select: the target's own for the last training, if that answers it."""
    is_last = trained_on == (target.train_on or (trained_on,))[-1]
    return target.benchmark if is_last and not benchmarks.get(target.benchmark).retrieves else trained_on
