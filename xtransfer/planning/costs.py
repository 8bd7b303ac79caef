"""Expected time of stages: from the sizes of model and rows and this machine's speed, and from what like ones took."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np
from huggingface_hub import try_to_load_from_cache
from sqlalchemy import select

from xtransfer import benchmarks
from xtransfer.base import settings as base_settings
from xtransfer.base.hardware import hardware
from xtransfer.base.stage import SETTINGS, FolderModel, HubModel, Made, ModelSource, Stage, StageSettings
from xtransfer.benchmarks import BENCHMARKS
from xtransfer.benchmarks.spec import SplitName
from xtransfer.data.sizes import num_rows
from xtransfer.recipes.pretraining_recipe import PretrainingRecipe
from xtransfer.results.database import Database
from xtransfer.results.faults import explained
from xtransfer.results.schema import StageRow
from xtransfer.stages import declared
from xtransfer.study import packages
from xtransfer.study.stage_settings import PretrainSettings, ScoreSettings, TrainSettings, UnpackSettings

_TOKENS = {"span": 250, "answers": 250}  # of a row, by kind; measured with XLM-R's vocabulary on the mirror's data
_OTHER_TOKENS = 45
_ROWS = 5000  # of a split that is not in reach
_WEIGHTS = 85_000_000  # of the layers of a model that is not in reach: 12 layers of 768 units
_START = 0.5  # seconds until the first step: rows and a small model
_LOAD = 1e-7  # seconds more for each weight: the files of a model, its tokenizer, and saving it
_STEP = 0.003  # seconds of a step besides its arithmetic
_SHARE = 0.7  # of the speed of a product of matrices that training and scoring reach
_BF16 = 1.6  # times as fast as fp32 on a CPU that has it
_NEWEST = 500  # finished stages that are looked at


@dataclass(frozen=True)
class Finished:
    """A finished stage and its run time in seconds."""

    key: str
    kind: str
    settings: Mapping[str, object]  # JSON values
    seconds: float


def finished(db: Database, device: str) -> list[Finished]:
    """Returns the newest stages that were finished on such a processor or GPU; `device`: one of this machine's."""
    columns = (StageRow.key, StageRow.kind, StageRow.settings, StageRow.seconds, StageRow.facts)
    query = select(*columns).order_by(StageRow.started.desc()).limit(_NEWEST)
    with explained(db.name), db.engine.connect() as connection:
        rows = connection.execute(query).all()
    name = hardware(device)
    return [Finished(*row[:4]) for row in rows if row.facts.get("processor") == name]


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
        self._places: dict[str, str] = {}
        for stage in stages:
            self._places.update(stage.places)
            self._add(stage.key, SETTINGS[stage.kind].of(stage) if stage.kind in SETTINGS else None)
        for one in finished:
            self._add(one.key, SETTINGS[one.kind].of(one) if one.kind in SETTINGS else None)
        self._slots = slots
        self._speed = speed or machine_speed
        self._known: dict[str, float] = {}
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
            (part.benchmark, _count(part.benchmark, part.language, "train", settings.rows)) for part in settings.parts
        ]
        whole = max(1, sum(rows for _, rows in sizes))
        trained = recipe.steps * recipe.batch_size if recipe.steps else (recipe.epochs or 0) * whole
        tokens = sum(rows * min(_tokens(name), recipe.max_length) for name, rows in sizes) / whole
        weights = self._weights(settings.start) or _WEIGHTS
        work = 6 * weights * trained * tokens / self._rate(recipe.precision)
        return _START + _LOAD * weights + _STEP * trained / recipe.batch_size + work

    def _scoring(self, settings: ScoreSettings) -> float:
        split, limit = settings.split, settings.rows
        rows = sum(_count(settings.benchmark, code, split, limit) for code in settings.languages)
        tokens = min(_tokens(settings.benchmark), settings.max_length)
        weights = self._scored_weights(settings) or _WEIGHTS
        return _START + _LOAD * weights + 2 * weights * rows * tokens / self._rate(settings.precision)

    def _rate(self, precision: str) -> float:
        return self._speed() / self._slots * _SHARE * (_BF16 if precision == "bf16" else 1.0)

    def _scored_weights(self, settings: ScoreSettings) -> float | None:
        source = settings.checkpoint or next(iter(settings.own.values()), None)
        return self._weights(source) if source is not None else None

    def _weights(self, source: ModelSource) -> float | None:
        """Returns the weights of a model's layers, without its embeddings; None if they are not known here."""
        if isinstance(source, Made):
            made = self._settings.get(source.key)
            if isinstance(made, TrainSettings):
                return self._weights(made.start)
            if isinstance(made, PretrainSettings):
                return _in_layers(made.recipe.layers, made.recipe.hidden_size, made.recipe.intermediate_size)
            return packages.PACKAGES[made.package].weights if isinstance(made, UnpackSettings) else None
        if isinstance(source, FolderModel):
            folder = self._places.get(source.digest)
            return _in_config(Path(folder) / "config.json") if folder is not None else None
        return _on_hub(source)


def _declared_here(settings: StageSettings) -> bool:
    """Returns whether all benchmarks that settings name are known; another home may have had others."""
    return all(one in BENCHMARKS for one in _benchmarks(settings))


def _benchmarks(settings: StageSettings) -> set[str]:
    if isinstance(settings, TrainSettings):
        return {part.benchmark for part in settings.parts}
    return {settings.benchmark} if isinstance(settings, ScoreSettings) else set()


def _in_layers(layers: int, hidden: int, inner: int) -> float:
    return float(layers * (4 * hidden**2 + 2 * hidden * inner))


def _in_config(file: Path) -> float | None:
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        return _in_layers(config["num_hidden_layers"], config["hidden_size"], config["intermediate_size"])
    except (OSError, ValueError, KeyError, TypeError):  # whoever loads the model says what is wrong with it
        return None


@cache
def _on_hub(model: HubModel) -> float | None:
    mirror = base_settings.current().hub_dir
    if mirror is not None and (mirror / model.id / "config.json").exists():
        return _in_config(mirror / model.id / "config.json")
    found = try_to_load_from_cache(model.id, "config.json", revision=model.revision)
    return _in_config(Path(found)) if isinstance(found, str) else None


@cache
def _count(name: str, language: str, split: SplitName, limit: int | None) -> int:
    benchmark = benchmarks.get(name)
    rows = num_rows(benchmark, language, split) if benchmark.has(split, language) else None
    return min(_ROWS if rows is None else rows, limit or sys.maxsize)


def _tokens(name: str) -> int:
    return _TOKENS.get(benchmarks.get(name).kind, _OTHER_TOKENS)


@cache
def machine_speed() -> float:
    """Returns the floating-point operations per second of products of matrices on all cores, in fp32."""
    left, right = np.ones((1024, 384), np.float32), np.ones((384, 1536), np.float32)
    left @ right  # starts the threads
    best = np.inf
    for _ in range(5):
        began = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - began)
    return float(2 * left.shape[0] * right.size / best)
