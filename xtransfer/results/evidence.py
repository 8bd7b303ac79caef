"""Reads a cell's artifacts: its scores, the stages behind it, and whether the model learned anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, TypeAdapter

from xtransfer import kinds
from xtransfer.base.declared import reasons
from xtransfer.base.errors import StoreError
from xtransfer.benchmarks import BENCHMARKS
from xtransfer.benchmarks.spec import SplitName
from xtransfer.results.predictions import Predictions
from xtransfer.study.stage_facts import Facts
from xtransfer.study.stage_settings import ScoreSettings

if TYPE_CHECKING:
    from xtransfer.store.artifacts import Artifact, ArtifactStore


@dataclass(frozen=True)
class Score:
    """One line of scores.json: a metric of a benchmark in one language."""

    language: str
    split: SplitName
    metric: str
    value: float  # points, 0-100
    n: int  # items
    chance: float | None  # points of a constant or random prediction
    constant: bool  # all predictions are equal: the model has collapsed


_SCORES = TypeAdapter(Annotated[tuple[Score, ...], Field(min_length=1)])


@dataclass(frozen=True)
class Evidence:
    """The scores of a cell, and the artifacts behind them; that of the scores is last."""

    scores: tuple[Score, ...]
    artifacts: tuple[Artifact, ...]
    whole: bool = True  # False: some artifacts behind the scores are gone

    @cached_property
    def degenerate(self) -> str:
        """Returns why the cell's scores mean nothing; empty if they are meaningful.

        A loss that hardly fell does not count if the checkpoint that was scored is better than chance (`learned`).
        """
        scored = set(self.artifacts[-1].manifest.inputs.values())
        for artifact in self.artifacts:
            reason = Facts.of(artifact.manifest.facts).degenerate
            if reason and not (artifact.key in scored and self.learned):
                return f"{artifact.manifest.name}: {reason}"
        if self.scores and all(score.constant for score in self.scores):
            return "all predictions are equal in every language"
        return ""

    @cached_property
    def learned(self) -> bool:
        """Returns whether a head's answers are better than chance: the 95% intervals of most languages lie above it.

        False for retrieval, where an encoder is better than chance before it is trained, and without a chance level.
        """
        settings = ScoreSettings.of(self.artifacts[-1].manifest)
        benchmark = BENCHMARKS.get(settings.benchmark) if settings is not None else None
        predictions = Predictions(self.artifacts[-1])
        if benchmark is None or kinds.retrieves(benchmark) or predictions.sha256 is None:
            return False
        ends = predictions.intervals()
        main = {score.language: score for score in reversed(self.scores)}  # the first metric listed
        above = [
            code in ends and score.chance is not None and ends[code][0] > score.chance for code, score in main.items()
        ]
        return 2 * sum(above) > len(above)


def evidence(store: ArtifactStore, key: str, *, whole: bool = True) -> Evidence | None:
    """Returns the scores of the score stage `key` and the artifacts behind them; None if it has no artifact yet.

    Raises StoreError if scores.json cannot be read, or if an artifact behind it is gone and all are wanted (`whole`).
    """
    found = store.find(key)
    if found is None:
        return None
    lost: list[str] = []
    behind = tuple(_lineage(store, found, set(), lost))
    if lost and whole:
        raise StoreError(lost[0])
    return Evidence(_scores(found.folder / "scores.json"), behind, whole=not lost)


def lineage(store: ArtifactStore, artifact: Artifact) -> list[Artifact]:
    """Returns what an artifact was made from, inputs first, and itself last; raises StoreError if something is gone."""
    lost: list[str] = []
    found = list(_lineage(store, artifact, set(), lost))
    if lost:
        raise StoreError(lost[0])
    return found


def _lineage(store: ArtifactStore, artifact: Artifact, seen: set[str], lost: list[str]) -> Iterator[Artifact]:
    """Yields what is there of an artifact's lineage, and adds to `lost` what is not."""
    if artifact.key in seen:
        return
    seen.add(artifact.key)
    for name, key in artifact.manifest.inputs.items():
        source = store.find(key)
        if source is None:
            lost.append(
                f"{artifact.manifest.name}: its input '{name}' ({key}) is gone from the artifact store; "
                "run the study again to recreate it"
            )
        else:
            yield from _lineage(store, source, seen, lost)
    yield artifact


def _scores(file: Path) -> tuple[Score, ...]:
    try:
        return _SCORES.validate_json(file.read_bytes())
    except (OSError, ValueError) as error:
        reason = reasons(error) if isinstance(error, ValueError) else str(error)
        raise StoreError(f"{file}: not a valid list of scores ({reason}); remove its artifact and run again") from error
