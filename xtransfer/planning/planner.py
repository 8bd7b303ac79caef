"""Builds the training and scoring stages with their dependencies. Computes only; runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from xtransfer import benchmarks
from xtransfer.base.stage import Stage
from xtransfer.data.revisions import Pins
from xtransfer.planning.translation_planner import Translation, TranslationPlanner
from xtransfer.recipes.recipe import Recipe
from xtransfer.study.encoders import EncoderRef
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.study import Target
from xtransfer.study.target_phases import selected_on, trained_on, training_name


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
        """Returns the score stage.

        `scored` are the languages, `max_length` the tokens per sequence, and `own` the checkpoints of languages that
        do not use `checkpoint`.
        """
        all_own = bool(own) and all(code in own for code in scored)
        encoder, links = (None, {}) if all_own else self.begin(ref, checkpoint, "checkpoint")
        inputs = {f"checkpoint-{code}": stage.key for code, stage in own.items()}
        if target.translate == "test":
            inputs |= {f"rows-{code}": self.into_english(target, code).key for code in scored if code != "en"}
        benchmark = benchmarks.get(target.benchmark)
        rows = {"rows": target.score_rows} if target.score_rows is not None else {}
        pooling = {"pooling": target.pooling.model_dump(mode="json")} if benchmark.retrieves else {}
        dev = {"dev": self.pins.data(target.benchmark, "dev", scored)} if benchmark.calibrated else {}
        also = {"also": list(benchmark.also)} if benchmark.also else {}
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
                **also,
                **precision,
            },
            **{**links, "inputs": {**links.get("inputs", {}), **inputs}},
        )

    def dev(self, benchmark: str, recipe: Recipe) -> dict[str, str] | None:
        """Returns the English dev split for selection; None if the recipe takes the last checkpoint."""
        if recipe.select == "last":
            return None
        return {"benchmark": benchmark, "data": self.pins.data(benchmark, "dev", ["en"])}

    def among_encoders(self, ref: EncoderRef) -> str:
        return f" on {ref.slug}" if self.names_encoders else ""
