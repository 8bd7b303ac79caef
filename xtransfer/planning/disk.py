"""Expected bytes of the artifacts of a plan, from the sizes of models and the numbers of rows."""

from __future__ import annotations

from collections.abc import Sequence

from xtransfer.base.stage import SETTINGS, Stage, StageSettings
from xtransfer.planning.costs import rows_of, scored_rows
from xtransfer.planning.model_sizes import UNKNOWN, ModelSize, ModelSizes, of_made
from xtransfer.study.stage_settings import ScoreSettings, TrainSettings, TranslateSettings

_WEIGHT = 4  # bytes: checkpoints are fp32
_LARGE = 64 << 20  # bytes of an embedding table that checkpoints store as changed rows
_CHANGED = 0.025  # of such a table in a checkpoint: 1 to 3% in trainings of multilingual E5 small on 2,000 rows
_ENTRY = 65  # bytes of tokenizer.json for each token; checkpoints share it
_PREDICTION = 20  # bytes of a scored row: 11 to 31, by kind
_TRANSLATED = 100  # bytes of a translated row of real data; the laboratory's take 15
_OTHER = 100_000  # bytes of another artifact
_MOMENTS = 3  # times the weights: what an interrupted training resumes from


def artifact_bytes(stages: Sequence[Stage], plan: Sequence[Stage]) -> dict[str, float]:
    """Returns kind of stage → expected bytes of the artifacts of `stages`; `plan` includes what they read."""
    settings, sizes = _of(plan)
    found: dict[str, float] = {}
    for stage in stages:
        found[stage.kind] = found.get(stage.kind, 0.0) + _bytes(settings.get(stage.key), sizes)
    return found


def state_bytes(stages: Sequence[Stage], plan: Sequence[Stage], at_once: int) -> float:
    """Returns the most bytes that so many unfinished trainings keep to resume from."""
    settings, sizes = _of(plan)
    starts = [one.start for stage in stages if isinstance(one := settings.get(stage.key), TrainSettings)]
    largest = sorted((_MOMENTS * _WEIGHT * _weights(sizes(one) or UNKNOWN) for one in starts), reverse=True)
    return sum(largest[:at_once])


def _of(stages: Sequence[Stage]) -> tuple[dict[str, StageSettings], ModelSizes]:
    settings = {stage.key: SETTINGS[stage.kind].of(stage) for stage in stages if stage.kind in SETTINGS}
    known = {key: one for key, one in settings.items() if one is not None}
    places = {digest: folder for stage in stages for digest, folder in stage.places.items()}
    return known, ModelSizes(known, places)


def _bytes(settings: StageSettings | None, sizes: ModelSizes) -> float:
    if isinstance(settings, TrainSettings):
        return _checkpoint(sizes(settings.start) or UNKNOWN)
    if isinstance(settings, ScoreSettings):
        return _PREDICTION * scored_rows(settings)
    if isinstance(settings, TranslateSettings):
        return _TRANSLATED * rows_of(settings.benchmark, settings.source, settings.split, settings.rows)
    made = of_made(settings) if settings is not None else None
    return _OTHER if made is None else _WEIGHT * _weights(made) + _ENTRY * made.vocabulary


def _weights(size: ModelSize) -> float:
    return size.layers + size.table


def _checkpoint(size: ModelSize) -> float:
    table = _WEIGHT * size.table
    return _WEIGHT * size.layers + (table if table < _LARGE else _CHANGED * table)
