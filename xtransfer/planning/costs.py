"""Expected time of stages: from the sizes of model and rows and this machine's speed, and from what like ones took."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median

import numpy as np
from sqlalchemy import select

from xtransfer import benchmarks
from xtransfer.base.hardware import faster_in_bf16, hardware
from xtransfer.base.stage import SETTINGS, ModelSource, Stage, StageSettings
from xtransfer.benchmarks import BENCHMARKS
from xtransfer.benchmarks.spec import SplitName
from xtransfer.data.sizes import num_rows
from xtransfer.planning.model_sizes import UNKNOWN, ModelSizes
from xtransfer.recipes.pretraining_recipe import PretrainingRecipe
from xtransfer.recipes.recipe import Recipe
from xtransfer.results.database import Database
from xtransfer.results.faults import explained
from xtransfer.results.schema import StageRow
from xtransfer.stages import declared
from xtransfer.stages.slots import cores
from xtransfer.study.stage_settings import PretrainSettings, ScoreSettings, TrainSettings

_TOKENS = {"span": 250, "answers": 250}  # of a row, by kind; measured with XLM-R's vocabulary on the mirror's data
_OTHER_TOKENS = 45
_ROWS = 5000  # of a split that is not in reach
_START = 0.5  # seconds until the first step: rows and a small model
_LOAD = 1e-7  # seconds more for each weight: the files of a model, its tokenizer, and saving it
_STEP = 0.003  # seconds of a step besides its arithmetic
_SHARE = 0.7  # of the speed of a product of matrices that training and scoring reach
_BF16 = 1.6  # times as fast as fp32, where a CPU is faster in it
_PRODUCTS = 20  # of matrices, to measure this machine's speed: 0.2 s of two cores
_NEWEST = 500  # finished stages that are looked at


@dataclass(frozen=True)
class Finished:
    """A finished stage and its run time in seconds."""

    key: str
    kind: str
    settings: Mapping[str, object]  # JSON values
    seconds: float
    joules: float | None = None  # energy that it used, where that was measured


def finished(db: Database, device: str) -> list[Finished]:
    """Returns the newest stages that were finished on such a processor or GPU; `device`: one of this machine's."""
    columns = (StageRow.key, StageRow.kind, StageRow.settings, StageRow.seconds, StageRow.energy_joules, StageRow.facts)
    query = select(*columns).order_by(StageRow.started.desc()).limit(_NEWEST)
    with explained(db.name), db.engine.connect() as connection:
        rows = connection.execute(query).all()
    name = hardware(device)
    return [Finished(*row[:5]) for row in rows if row.facts.get("processor") == name]


class Costs:
    """Seconds that a stage is expected to take.

    A stage of training or scoring takes its arithmetic (six floating-point operations per weight and token to train,
    two to score; Kaplan et al. 2020) at this machine's speed, plus a start and a little for each step; one of another
    kind takes what its kind declares. The result is multiplied by the median of what finished stages took relative to
    this: those with the same model and data, else the same model, else the same kind.
    """

    def __init__(
        self,
        stages: Iterable[Stage],
        finished: Sequence[Finished] = (),
        slots: int = 1,
        speed: Callable[[], float] | None = None,
    ) -> None:
        """`speed`: floating-point operations per second of all slots together (default: measured at the first use)."""
        self._settings: dict[str, StageSettings] = {}
        places: dict[str, str] = {}
        for stage in stages:
            places.update(stage.places)
            self._add(stage.key, SETTINGS[stage.kind].of(stage) if stage.kind in SETTINGS else None)
        for one in finished:
            self._add(one.key, SETTINGS[one.kind].of(one) if one.kind in SETTINGS else None)
        self._sizes = ModelSizes(self._settings, places)
        self._slots = slots
        self._speed = speed or machine_speed
        self._known: dict[str, float] = {}
        powers = [one.joules / one.seconds for one in finished if one.joules is not None and one.seconds > 0]
        self._watts = median(powers) if powers else None
        took: dict[tuple[object, ...], list[float]] = {}
        for one in finished:
            settings = self._settings.get(one.key)
            if settings is None or not _declared_here(settings):
                continue
            for group in self._groups(settings):
                took.setdefault(group, []).append(one.seconds / self._reckoned(settings))
        self._factors = {group: median(found) for group, found in took.items()}

    def __call__(self, stage: Stage) -> float:
        """Returns the expected seconds of a stage."""
        if stage.key not in self._known:
            settings = self._settings.get(stage.key)
            self._known[stage.key] = self._seconds(settings) if settings is not None else declared(stage.kind)
        return self._known[stage.key]

    def timed(self, stage: Stage) -> bool:
        """Returns whether a finished stage of its kind, with a model of its size, stands behind the number."""
        settings = self._settings.get(stage.key)
        return settings is not None and any(group in self._factors for group in self._groups(settings)[:2])

    def joules(self, stages: Iterable[Stage]) -> float | None:
        """Returns the energy that `stages` are expected to use; None where too little of it was measured.

        Counters cover a whole processor or card, so it is their median power times the expected time.
        """
        return self._watts * sum(map(self, stages)) if self._watts is not None else None

    def _add(self, key: str, settings: StageSettings | None) -> None:
        if settings is not None:
            self._settings[key] = settings

    def _seconds(self, settings: StageSettings) -> float:
        factor = next((self._factors[one] for one in self._groups(settings) if one in self._factors), 1.0)
        return factor * self._reckoned(settings)

    def _groups(self, settings: StageSettings) -> list[tuple[object, ...]]:
        """Returns what a stage shares with others, the closest first; a model of unknown size shares nothing."""
        if isinstance(settings, TrainSettings):
            weights = self._weights(settings.start)
            data: object = (*sorted(_benchmarks(settings)), settings.recipe.precision, settings.recipe.max_length)
        elif isinstance(settings, ScoreSettings):
            weights, data = (
                self._scored_weights(settings),
                (settings.benchmark, settings.precision, settings.max_length),
            )
        else:
            return [(settings.kind,)]
        kind = settings.kind
        return [(kind, weights, data), (kind, weights), (kind,)] if weights is not None else []

    def _reckoned(self, settings: StageSettings) -> float:
        if isinstance(settings, TrainSettings):
            return self._training(settings)
        if isinstance(settings, ScoreSettings):
            return self._scoring(settings)
        if isinstance(settings, PretrainSettings):  # declared for the laboratory's recipe
            return declared(settings.kind) * settings.recipe.steps / PretrainingRecipe().steps
        return declared(settings.kind)

    def _training(self, settings: TrainSettings) -> float:
        recipe = settings.recipe
        sizes = [
            (part.benchmark, rows_of(part.benchmark, part.language, "train", settings.rows)) for part in settings.parts
        ]
        whole = max(1, sum(rows for _, rows in sizes))
        trained = trained_rows(whole, recipe)
        tokens = sum(rows * min(_tokens(name), recipe.max_length) for name, rows in sizes) / whole
        weights = self._weights(settings.start) or UNKNOWN.layers
        work = 6 * weights * trained * tokens / self._rate(recipe.precision)
        return _START + _LOAD * weights + _STEP * trained / recipe.batch_size + work

    def _scoring(self, settings: ScoreSettings) -> float:
        rows = scored_rows(settings)
        tokens = min(_tokens(settings.benchmark), settings.max_length)
        weights = self._scored_weights(settings) or UNKNOWN.layers
        return _START + _LOAD * weights + 2 * weights * rows * tokens / self._rate(settings.precision)

    def _rate(self, precision: str) -> float:
        return self._speed() / self._slots * _SHARE * (_BF16 if precision == "bf16" and faster_in_bf16() else 1.0)

    def _scored_weights(self, settings: ScoreSettings) -> float | None:
        source = settings.checkpoint or next(iter(settings.own.values()), None)
        return self._weights(source) if source is not None else None

    def _weights(self, source: ModelSource) -> float | None:
        """Returns the weights of a model's layers, without its embeddings; None if they are not known here."""
        size = self._sizes(source)
        return size.layers if size is not None else None


def _declared_here(settings: StageSettings) -> bool:
    """Returns whether all benchmarks that settings name are known; another home may have had others."""
    return all(one in BENCHMARKS for one in _benchmarks(settings))


def _benchmarks(settings: StageSettings) -> set[str]:
    if isinstance(settings, TrainSettings):
        return {part.benchmark for part in settings.parts}
    return {settings.benchmark} if isinstance(settings, ScoreSettings) else set()


def scored_rows(settings: ScoreSettings) -> int:
    """Returns the rows that a stage scores, in all its languages together."""
    name, split, limit = settings.benchmark, settings.split, settings.rows
    return sum(rows_of(name, code, split, limit) for code in settings.languages)


def trained_rows(whole: int, recipe: Recipe) -> float:
    """Returns the rows that a training sees: steps × batch size, or epochs × its `whole` rows."""
    return recipe.steps * recipe.batch_size if recipe.steps else (recipe.epochs or 0) * whole


@cache
def rows_of(name: str, language: str, split: SplitName, limit: int | None) -> int:
    """Returns the rows of a split in a language, at most `limit`; 5,000 if it is not in reach."""
    benchmark = benchmarks.get(name)
    rows = num_rows(benchmark, language, split) if benchmark.has(split, language) else None
    return min(_ROWS if rows is None else rows, limit or sys.maxsize)


def _tokens(name: str) -> int:
    return _TOKENS.get(benchmarks.get(name).kind, _OTHER_TOKENS)


@cache
def machine_speed() -> float:
    """Returns the floating-point operations per second of products of matrices on all cores, in fp32.

    By the time that the cores worked, not by the clock on the wall, so that other programs hardly change it.
    """
    left, right = np.ones((1024, 384), np.float32), np.ones((384, 1536), np.float32)
    left @ right  # starts the threads
    began = time.process_time()
    for _ in range(_PRODUCTS):
        left @ right
    worked = time.process_time() - began
    return float(2 * left.shape[0] * right.size * _PRODUCTS / worked * cores())
