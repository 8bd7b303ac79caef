"""Builds the training and scoring stages with their dependencies. Computes only; runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from xtransfer import benchmarks, kinds
from xtransfer.base.stage import Made, Stage
from xtransfer.data.revisions import Pins
from xtransfer.planning.target_phases import selected_on, trained_on, training_name
from xtransfer.planning.translation_planner import Translation, TranslationPlanner
from xtransfer.recipes.pooling import MEAN_OF_LAST
from xtransfer.recipes.recipe import Recipe
from xtransfer.study.encoders import EncoderRef
from xtransfer.study.intermediate import Intermediate, MixturePart
from xtransfer.study.stage_settings import BenchmarkRows, ScoreSettings, TrainPart, TrainSettings
from xtransfer.study.study import Target


class Planner(TranslationPlanner):
    """Builds the stages of a study."""

    def __init__(
        self, pins: Pins, rows: int | None = None, recipe: Recipe | None = None, names_encoders: bool = False
    ) -> None:
        """`rows` and `recipe` are for intermediates; `names_encoders`: stage names include the encoder."""
        super().__init__(pins, rows)
        self.recipe = recipe
        self.names_encoders = names_encoders

    def intermediate(self, ref: EncoderRef, intermediate: Intermediate, seed: int) -> Stage | None:
        """Returns the stage of the last phase; None for direct.

        Each phase starts from the one before. Intermediates that start with the same phases share those stages.
        """
        checkpoint = None
        for number in range(len(intermediate.phases)):
            so_far = Intermediate.of(intermediate.phases[: number + 1])
            checkpoint = self.phase(ref, checkpoint, so_far, seed)
        return checkpoint

    def phase(self, ref: EncoderRef, start: Stage | None, intermediate: Intermediate, seed: int) -> Stage:
        """Returns the stage of an intermediate's last phase, starting from the checkpoint of the earlier ones."""
        assert self.recipe is not None
        settings = TrainSettings(
            start=self.model(ref, start),
            parts=tuple(self.train_part(part) for part in intermediate.parts),
            rows=self.rows,
            recipe=self.recipe,
            seed=seed,
            dev=self.dev(intermediate.parts[0].benchmark, self.recipe),
            sampling=intermediate.sampling,
        )
        return self.stage(f"train {intermediate.slug} seed {seed}" + self.among_encoders(ref), settings)

    def train_part(self, part: MixturePart) -> TrainPart:
        data = translation = None
        if part.engine:
            translation = Made(key=self.part(part).key)
        else:
            data = self.pins.data(part.benchmark, "train", [part.language])
        return TrainPart(
            benchmark=part.benchmark, language=part.language, data=data, translation=translation, weight=part.weight
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
        """Returns the stage of a target's last training after `start`, or `start` if nothing is trained.

        `language` is that of the training rows; the target's engine translates them if it is not English.
        """
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
        data = translation = None
        if language == "en":
            data = self.pins.data(benchmark, "train", ["en"])
        else:
            asked = Translation(benchmark, target.engine or "", language, target.train_rows)
            translation = Made(key=self.translation(asked).key)
        settings = TrainSettings(
            start=self.model(ref, start),
            parts=(TrainPart(benchmark=benchmark, language=language, data=data, translation=translation),),
            rows=target.train_rows,
            recipe=recipe,
            seed=seed,
            dev=self.dev(selected_on(target, benchmark), recipe),
        )
        name = f"train {training_name(target, benchmark, language)} after {intermediate.slug} seed {seed}"
        return self.stage(name + self.among_encoders(ref), settings)

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
        """Returns the score stage.

        `scored` are the languages, `max_length` the tokens per sequence, and `own` the checkpoints of languages that
        do not use `checkpoint`.
        """
        benchmark = benchmarks.get(target.benchmark)
        all_own = bool(own) and all(code in own for code in scored)
        into_english = [code for code in scored if code != "en"] if target.translate == "test" else []
        settings = ScoreSettings(
            checkpoint=None if all_own else self.model(ref, checkpoint),
            own={code: Made(key=stage.key) for code, stage in own.items()},
            translated={code: Made(key=self.into_english(target, code).key) for code in into_english},
            benchmark=target.benchmark,
            data=self.pins.data(target.benchmark, target.split, scored),
            split=target.split,
            languages=tuple(scored),
            max_length=max_length,
            rows=target.score_rows,
            pooling=target.pooling if kinds.retrieves(benchmark) else MEAN_OF_LAST,
            dev=self.pins.data(target.benchmark, "dev", scored) if kinds.calibrated(benchmark) else None,
            also=tuple(benchmark.also),
            precision=target.precision,
        )
        name = f"score {target.slug} after {intermediate.slug} seed {seed}"
        return self.stage(name + self.among_encoders(ref), settings)

    def dev(self, benchmark: str, recipe: Recipe) -> BenchmarkRows | None:
        """Returns the English dev split for selection; None if the recipe takes the last checkpoint."""
        if recipe.select == "last":
            return None
        return BenchmarkRows(benchmark=benchmark, data=self.pins.data(benchmark, "dev", ["en"]))

    def among_encoders(self, ref: EncoderRef) -> str:
        return f" on {ref.slug}" if self.names_encoders else ""
