"""The stages that a plan is made of, each from what it depends on. Pure: nothing runs here."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from xtransfer import benchmarks
from xtransfer.encoders import ENCODERS, EncoderRef
from xtransfer.intermediate import Intermediate, Part
from xtransfer.pins import Pins
from xtransfer.stages import STAGES
from xtransfer.stages.spec import Stage
from xtransfer.study import Target
from xtransfer.study_check import trained_as
from xtransfer.training.recipe import Recipe
from xtransfer.translation import engines
from xtransfer.translation.engines import EngineTrainedHere, HubEngine, HumanTranslations
from xtransfer.translation.parallel import translated_by_people


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

    def translation(self, part: Part) -> Stage:
        engine, links = self.engine(part)
        by_people = isinstance(engines.get(part.engine or ""), HumanTranslations)
        has_references = not by_people and benchmarks.get(part.benchmark).has("train", part.language)
        languages = ["en", part.language] if has_references else ["en"]
        return self.stage(
            "translate",
            f"translate {part.benchmark} to {part.language} by {part.engine}",
            {
                "benchmark": part.benchmark,
                "data": self.pins.data(part.benchmark, "train", languages),
                "split": "train",
                "language": part.language,
                "rows": self.rows,
                "references": has_references,
                **engine,
            },
            **links,
        )

    def engine(self, part: Part) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
        """What a translate stage is given of its engine: settings and links."""
        assert part.engine is not None
        engine = engines.get(part.engine)
        if isinstance(engine, HumanTranslations):
            source = translated_by_people(part.benchmark, part.language, "train")
            return {"people": {"benchmark": source, "data": self.pins.data(source, "train", [part.language])}}, {}
        if isinstance(engine, EngineTrainedHere):
            trained = {"inputs": {"engine": self.translator(engine).key}}
            return {}, trained if engine.how == "transformers" else self.conversion(engine, None, trained)
        model, links = self.begin(self.pins.encoder(engine.model(part.language)), None, "engine")
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
                "recipe": engine.recipe.model_dump(mode="json"),
                "seed": 0,
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
                inputs[f"data-{number}"] = self.translation(part).key
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
    ) -> Stage | None:
        """The last training of a target after `start`; that itself where nothing is trained."""
        checkpoint = start
        for trained_on in _trained_on(target):
            checkpoint = self.one_training(ref, checkpoint, intermediate, target, recipe, trained_on, seed)
        return checkpoint

    def one_training(
        self,
        ref: EncoderRef,
        start: Stage | None,
        intermediate: Intermediate,
        target: Target,
        recipe: Recipe,
        trained_on: str,
        seed: int,
    ) -> Stage:
        encoder, links = self.begin(ref, start, "start")
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
        self,
        ref: EncoderRef,
        checkpoint: Stage | None,
        intermediate: Intermediate,
        target: Target,
        scored: list[str],
        max_length: int,
        seed: int,
    ) -> Stage:
        """`scored`: the languages; `max_length`: tokens of a sequence."""
        encoder, links = self.begin(ref, checkpoint, "checkpoint")
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
            **links,
        )

    def dev(self, benchmark: str, recipe: Recipe) -> dict[str, str] | None:
        """The English dev split, which selection reads; nothing where the last checkpoint is taken."""
        if recipe.select == "last":
            return None
        return {"benchmark": benchmark, "data": self.pins.data(benchmark, "dev", ["en"])}

    def among_encoders(self, ref: EncoderRef) -> str:
        return f" on {ref.slug}" if self.names_encoders else ""


def _trained_on(target: Target) -> tuple[str, ...]:
    """The benchmarks whose English rows a target is trained on; none where the encoder is scored as it comes."""
    benchmark = benchmarks.get(target.benchmark)
    if not target.fine_tune:
        return ()
    return target.train_on or ((benchmark.name,) if benchmark.has("train") and not benchmark.retrieves else ())


def _training_name(target: Target, trained_on: str) -> str:
    return target.slug if len(target.train_on) < 2 else f"{target.slug} on {trained_on}"


def _selected_on(target: Target, trained_on: str) -> str:
    """The benchmark whose English dev rows select: the target's own for the last training, if that answers it."""
    is_last = trained_on == (target.train_on or (trained_on,))[-1]
    return trained_as(target).name if is_last else trained_on
