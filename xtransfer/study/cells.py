"""A study's cells and its plan, as values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from xtransfer.base.digest import digest
from xtransfer.base.stage import Stage
from xtransfer.base.words import counted
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.study import Study, Target


@dataclass(frozen=True)
class Cell:
    """One point of the grid; the artifact of stage `score` has its scores and predictions."""

    encoder: str  # `lab-tiny@0`, `xlm-roberta-base@<commit>`
    intermediate: Intermediate
    target: Target
    seed: int
    score: Stage

    @property
    def key(self) -> str:
        """Returns a digest of the cell's place in the grid and of its score stage.

        Cells that differ only in name or seed can share a score stage: two folders with equal bytes, a benchmark listed
        as its own training data, retrieval with an untrained encoder.
        """
        return digest("cell", self.encoder, self.intermediate.slug, self.target.slug, self.seed, self.score.key)

    @property
    def slug(self) -> str:
        return f"{self.encoder} {self.intermediate.slug} {self.target.slug} seed {self.seed}"


@dataclass(frozen=True, repr=False)
class Plan:
    """A study's cells and stages; each stage occurs once, after its inputs."""

    study: Study
    cells: tuple[Cell, ...]
    stages: tuple[Stage, ...]

    def __repr__(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(one.kind for one in self.stages).items())
        stages = counted(len(self.stages), "stage")
        return f"<Plan: {self.study.name}, {counted(len(self.cells), 'cell')}, {stages} ({kinds})>"
