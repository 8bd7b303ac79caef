"""The stages that a plan is made of, each from what it depends on. Pure: nothing runs here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

from xtransfer import benchmarks
from xtransfer.benchmarks.spec import SplitName
from xtransfer.encoders import ENCODERS, EncoderRef
from xtransfer.intermediate import Intermediate, Part
from xtransfer.pins import Pins
from xtransfer.stages import STAGES
from xtransfer.stages.spec import Stage
from xtransfer.study import Target
from xtransfer.target_phases import selected_on, trained_on, training_name
from xtransfer.training.recipe import Recipe
from xtransfer.translation import engines, translatable
from xtransfer.translation.engines import EngineTrainedHere, HubEngine, HumanTranslations
from xtransfer.translation.parallel import translated_by_people


@dataclass(frozen=True)
class Translation:
    """Rows of a benchmark to be had in another language."""

    benchmark: str
    engine: str
    language: str
    rows: int | None  # the first so many; None: all
    split: SplitName = "train"
    source: str = "en"


class Planner:
    """Makes stages and collects them by key, so that each is planned once however many results need it."""

    def __init__(
        self, pins: Pins, rows: int | None = None, recipe: Recipe | None = None, names_encoders: bool = False
    ) -> None:
        """`rows` and `recipe` are of intermediate training; `names_encoders`: names of stages tell encoders apart."""
        self.pins = pins
        self.rows = rows
        self.recipe = recipe
        self.names_encoders = names_encoders
        self.stages: dict[str, Stage] = {}

    def stage(self, kind: str, name: str, settings: dict[str, Any], **links: dict[str, str]) -> Stage:
        stage = Stage(kind, STAGES[kind].version, name, settings, **links)
        return self.stages.setdefault(stage.key, stage)

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

    def part(self, part: Part) -> Stage:
        """The translation of a part of an intermediate."""
        return self.translation(self.asked(part))

    def asked(self, part: Part) -> Translation:
        """What a part of an intermediate has translated."""
        assert part.engine is not None
        return Translation(part.benchmark, part.engine, part.language, self.rows)

    def translation(self, asked: Translation) -> Stage:
        engine, links = self.engine(asked)
        by_people = isinstance(engines.get(asked.engine), HumanTranslations)
        has_references = not by_people and benchmarks.get(asked.benchmark).has(asked.split, asked.language)
        languages = [asked.source, asked.language] if has_references else [asked.source]
        from_another = {"source": asked.source} if asked.source != "en" else {}
        moves_tags = not by_people and translatable.moves_tags(benchmarks.get(asked.benchmark))
        return self.stage(
            "translate",
            f"translate {asked.benchmark} {_route(asked)} by {asked.engine}",
            {
                "benchmark": asked.benchmark,
                "data": self.pins.data(asked.benchmark, asked.split, languages),
                "split": asked.split,
                "language": asked.language,
                "rows": asked.rows,
                "references": has_references,
                **from_another,
                **({"align_tags": True} if moves_tags else {}),
                **engine,
            },
            **links,
        )

    def round_trip(self, asked: Translation, by: str) -> Stage:
        """Some of a translation's sentences translated back by an engine."""
        back = replace(asked, engine=by, language=asked.source, source=asked.language)
        engine, links = self.engine(back)
        inputs = {"translation": self.translation(asked).key, **links.get("inputs", {})}
        return self.stage(
            "round-trip",
            f"round trip of {asked.benchmark} {_route(asked)} by {asked.engine}, back by {by}",
            {
                "benchmark": asked.benchmark,
                "data": self.pins.data(asked.benchmark, asked.split, [asked.source]),
                "split": asked.split,
                "source": asked.source,
                "language": asked.language,
                **engine,
            },
            **{**links, "inputs": inputs},
        )

    def engine(self, asked: Translation) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
        """What a translate stage is given of its engine: settings and links."""
        engine = engines.get(asked.engine)
        if isinstance(engine, HumanTranslations):
            held = translated_by_people(asked.benchmark, asked.language, asked.split, asked.source)
            return {"people": {"benchmark": held, "data": self.pins.data(held, asked.split, [asked.language])}}, {}
        if isinstance(engine, EngineTrainedHere):
            trained = {"inputs": {"engine": self.translator(engine).key}}
            return {}, trained if engine.how == "transformers" else self.conversion(engine, None, trained)
        model, links = self.begin(self.pins.encoder(engine.model(asked.source, asked.language)), None, "engine")
        settings = {"engine": model, "beams": engine.beams}
        return settings, links if engine.how == "transformers" else self.conversion(engine, model, links)

    def conversion(
        self, engine: EngineTrainedHere | HubEngine, model: dict[str, str] | None, links: dict[str, dict[str, str]]
    ) -> dict[str, dict[str, str]]:
        """The link to a model that CTranslate2 can run, instead of those to the model that it is made of."""
        stage = self.stage(
            "convert",
            f"convert {engine.name}",
            {"engine": model, "number_format": engine.how, "ctranslate2": version("ctranslate2")},
            **links,
        )
        return {"inputs": {"engine": stage.key}}

    def translator(self, engine: EngineTrainedHere) -> Stage:
        return self.stage(
            "translator",
            f"train translator {engine.name}",
            {
                "corpus": {"name": engine.corpus, "pin": self.pins.corpus(engine.corpus)},
                "num_texts": engine.num_texts,
                "languages": list(engine.languages),
                "recipe": engine.recipe.deciding(),
                "seed": 0,
                **({"to": "en"} if engine.to_english else {}),
            },
        )

    def intermediate(self, ref: EncoderRef, intermediate: Intermediate, seed: int) -> Stage | None:
        """The last of its phases, each a stage that starts from the one before; intermediates that begin alike share
        the first ones. None for direct."""
        checkpoint = None
        for number in range(len(intermediate.phases)):
            so_far = Intermediate.of(intermediate.phases[: number + 1])
            checkpoint = self.phase(ref, checkpoint, so_far, seed)
        return checkpoint

    def phase(self, ref: EncoderRef, start: Stage | None, intermediate: Intermediate, seed: int) -> Stage:
        """The last phase of an intermediate, from the checkpoint of those before."""
        encoder, links = self.begin(ref, start, "start")
        parts = []
        inputs = dict(links.get("inputs", {}))
        for number, part in enumerate(intermediate.parts):
            if part.engine:
                inputs[f"data-{number}"] = self.part(part).key
                data = None
            else:
                data = self.pins.data(part.benchmark, "train", [part.language])
            weight = {"weight": part.weight} if part.weight != 1 else {}
            parts.append({"benchmark": part.benchmark, "language": part.language, "data": data, **weight})
        assert self.recipe is not None
        recipe = self.recipe
        sampling = intermediate.sampling.model_dump(mode="json", exclude_defaults=True)
        return self.stage(
            "train",
            f"train {intermediate.slug} seed {seed}" + self.among_encoders(ref),
            {
                "encoder": encoder,
                "parts": parts,
                "rows": self.rows,
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
        recipe: Recipe,
        seed: int,
        language: str = "en",
    ) -> Stage | None:
        """The last training of a target after `start`; that itself where nothing is trained. `language`: of the
        rows, which the target's engine has translated where they are not English."""
        checkpoint = start
        for benchmark in trained_on(target):
            checkpoint = self.one_training(ref, checkpoint, intermediate, target, recipe, benchmark, seed, language)
        return checkpoint

    def one_training(
        self,
        ref: EncoderRef,
        start: Stage | None,
        intermediate: Intermediate,
        target: Target,
        recipe: Recipe,
        benchmark: str,
        seed: int,
        language: str,
    ) -> Stage:
        encoder, links = self.begin(ref, start, "start")
        if language == "en":
            data, translated = self.pins.data(benchmark, "train", ["en"]), {}
        else:
            asked = Translation(benchmark, target.engine or "", language, target.train_rows)
            data, translated = None, {"data-0": self.translation(asked).key}
        return self.stage(
            "train",
            f"train {training_name(target, benchmark, language)} after {intermediate.slug} seed {seed}"
            + self.among_encoders(ref),
            {
                "encoder": encoder,
                "parts": [{"benchmark": benchmark, "language": language, "data": data}],
                "rows": target.train_rows,
                "recipe": recipe.deciding(),
                "seed": seed,
                "dev": self.dev(selected_on(target, benchmark), recipe),
            },
            **{**links, "inputs": {**links.get("inputs", {}), **translated}},
        )

    def score(
        self,
        ref: EncoderRef,
        checkpoint: Stage | None,
        intermediate: Intermediate,
        target: Target,
        scored: list[str],
        max_length: int,
        seed: int,
        own: Mapping[str, Stage] = MappingProxyType({}),
    ) -> Stage:
        """`scored`: the languages; `max_length`: tokens of a sequence; `own`: the checkpoints of languages that are
        not scored with `checkpoint`."""
        all_own = bool(own) and all(code in own for code in scored)
        encoder, links = (None, {}) if all_own else self.begin(ref, checkpoint, "checkpoint")
        inputs = {f"checkpoint-{code}": stage.key for code, stage in own.items()}
        if target.translate == "test":
            inputs |= {f"rows-{code}": self.into_english(target, code).key for code in scored if code != "en"}
        benchmark = benchmarks.get(target.benchmark)
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
                "max_length": max_length,
                **rows,
                **pooling,
                **dev,
                **precision,
            },
            **{**links, "inputs": {**links.get("inputs", {}), **inputs}},
        )

    def into_english(self, target: Target, language: str) -> Stage:
        """The rows of a language that a target is scored on, translated."""
        engine = target.engine or ""
        return self.translation(
            Translation(target.benchmark, engine, "en", target.score_rows, target.split, source=language)
        )

    def dev(self, benchmark: str, recipe: Recipe) -> dict[str, str] | None:
        """The English dev split, which selection reads; nothing where the last checkpoint is taken."""
        if recipe.select == "last":
            return None
        return {"benchmark": benchmark, "data": self.pins.data(benchmark, "dev", ["en"])}

    def among_encoders(self, ref: EncoderRef) -> str:
        return f" on {ref.slug}" if self.names_encoders else ""


def _route(asked: Translation) -> str:
    """`to de`, and where it is not from English: `test rows from de to en`."""
    if asked.source == "en" and asked.split == "train":
        return f"to {asked.language}"
    return f"{asked.split} rows from {asked.source} to {asked.language}"
