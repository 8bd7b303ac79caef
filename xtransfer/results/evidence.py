"""What the artifacts of a cell say: its scores, the stages behind it, and whether it learnt anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xtransfer.base.errors import StoreError
from xtransfer.study.stage_facts import Facts

if TYPE_CHECKING:
    from xtransfer.store.artifacts import Artifact, ArtifactStore


@dataclass(frozen=True)
class Score:
    """One line of scores.json; values in points (0 to 100)."""

    language: str
    split: str
    metric: str
    value: float
    n: int
    chance: float | None
    constant: bool  # all predictions of the language are equal


@dataclass(frozen=True)
class Evidence:
    """The scores of a cell, and the artifacts behind them: that of the scores last."""

    scores: tuple[Score, ...]
    artifacts: tuple[Artifact, ...]

    @property
    def degenerate(self) -> str:
        """Why the cell's numbers mean nothing; empty where they do."""
        for artifact in self.artifacts:
            if reason := Facts.of(artifact.manifest.facts).degenerate:
                return f"{artifact.manifest.name}: {reason}"
        if self.scores and all(score.constant for score in self.scores):
            return "all predictions are equal in every language"
        return ""


def evidence(store: ArtifactStore, key: str) -> Evidence | None:
    """What the score stage of that key and its inputs left; None while it has no artifact.

    Raises StoreError when an artifact behind it is gone or scores.json cannot be read.
    """
    found = store.find(key)
    if found is None:
        return None
    return Evidence(_scores(found.folder / "scores.json"), tuple(_lineage(store, found, set())))


def _lineage(store: ArtifactStore, artifact: Artifact, seen: set[str]) -> Iterator[Artifact]:
    if artifact.key in seen:
        return
    seen.add(artifact.key)
    for name, key in artifact.manifest.inputs.items():
        source = store.find(key)
        if source is None:
            raise StoreError(
                f"{artifact.manifest.name}: its input '{name}' ({key}) is gone from the artifact store; "
                "run the study again to make it anew"
            )
        yield from _lineage(store, source, seen)
    yield artifact


def _scores(file: Path) -> tuple[Score, ...]:
    try:
        lines: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
        scores = tuple(
            Score(line["language"], line["split"], line["metric"], float(line["value"]), int(line["n"]),
                  line["chance"], bool(line["constant"]))
            for line in lines
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{file}: is not a list of scores ({error!r}); remove its artifact and run again") from error
    if not scores:
        raise StoreError(f"{file}: holds no score; remove its artifact and run again")
    return scores
