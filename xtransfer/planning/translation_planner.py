"""The stages that a plan is made of, collected by key, and those that make encoders and translations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from xtransfer import benchmarks
from xtransfer.base.stage import Stage
from xtransfer.benchmarks.spec import SplitName
from xtransfer.data.revisions import Pins
from xtransfer.stages import STAGES
from xtransfer.study.encoders import ENCODERS, EncoderRef
from xtransfer.study.intermediate import MixturePart
from xtransfer.study.study import Target
from xtransfer.translation import engines, translatable
from xtransfer.translation.engines import EngineTrainedHere, HumanTranslations, ModelDeclaration
from xtransfer.translation.human_translations import translated_by_people


@dataclass(frozen=True)
class Translation:
    """Rows of a benchmark to be had in another language."""

    benchmark: str
    engine: str
    language: str
    rows: int | None  # the first so many; None: all
    split: SplitName = "train"
    source: str = "en"


class TranslationPlanner:
    """Makes stages and collects them by key, so that each is planned once however many results need it."""

    def __init__(self, pins: Pins, rows: int | None = None) -> None:
        """`rows` are of intermediate training."""
        self.pins = pins
        self.rows = rows
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

    def part(self, part: MixturePart) -> Stage:
        """The translation of a part of an intermediate."""
        return self.translation(self.asked(part))

    def asked(self, part: MixturePart) -> Translation:
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
            return {}, self.conversion(engine, None, trained)
        model, links = self.begin(self.pins.encoder(engine.model(asked.source, asked.language)), None, "engine")
        settings = {"engine": model, "beams": engine.beams}
        return settings, self.conversion(engine, model, links)

    def conversion(
        self, engine: ModelDeclaration, model: dict[str, str] | None, links: dict[str, dict[str, str]]
    ) -> dict[str, dict[str, str]]:
        """The link to the converted model where the engine's library needs one, else the links to the model itself."""
        runtime = engines.conversion(engine)
        if runtime is None:
            return links
        stage = self.stage(
            "convert",
            f"convert {engine.name}",
            {"engine": model, **runtime},
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

    def into_english(self, target: Target, language: str) -> Stage:
        """The rows of a language that a target is scored on, translated."""
        engine = target.engine or ""
        return self.translation(
            Translation(target.benchmark, engine, "en", target.score_rows, target.split, source=language)
        )


def _route(asked: Translation) -> str:
    """`to de`, and where it is not from English: `test rows from de to en`."""
    if asked.source == "en" and asked.split == "train":
        return f"to {asked.language}"
    return f"{asked.split} rows from {asked.source} to {asked.language}"
