"""What each stage behind a score is there for. Read off how stages hang together: their names are for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xtransfer.base.stage import SETTINGS, Made
from xtransfer.study.stage_settings import TrainSettings

if TYPE_CHECKING:
    from xtransfer.base.stage import Stage
    from xtransfer.store.manifest import Manifest

INTERMEDIATE, TARGET = "intermediate", "target"
TRAININGS = (INTERMEDIATE, TARGET)


@dataclass(frozen=True)
class Role:
    """What a stage is in one cell; it may be something else in another."""

    name: str  # one of TRAININGS, or that of the stage's kind (`StageSettings.role`)
    phase: int | None = None  # of a training: its place among those of the intermediate or of the target, from 0
    language: str = ""  # of the rows of a training; those of a mixture are joined by '+'


def roles(stages: Sequence[Stage | Manifest], score: str, num_phases: int) -> dict[str, Role]:
    """Returns the roles of a score stage and all that fed it, by key.

    `stages` are those of a plan or the manifests of artifacts, `score` is the key of the score stage, `num_phases`
    the number of phases of the cell's intermediate: so many trainings, counted from the encoder, are the
    intermediate's, and the further ones the target's. With translate-train each language has its own further ones.
    """
    by_key = {stage.key: stage for stage in stages}
    found = {stage.key: Role(SETTINGS[stage.kind].role) for stage in stages if stage.kind != TrainSettings.kind}
    for checkpoint in by_key[score].inputs.values():
        for number, (key, training) in enumerate(reversed([*_trainings(by_key, checkpoint)])):
            is_first = number < num_phases
            name, phase = (INTERMEDIATE, number) if is_first else (TARGET, number - num_phases)
            found[key] = Role(name, phase, "+".join(dict.fromkeys(part.language for part in training.parts)))
    return found


def _trainings(by_key: Mapping[str, Stage | Manifest], last: str) -> Iterator[tuple[str, TrainSettings]]:
    """The trainings that end in a checkpoint, by key, the last first."""
    key = last
    while (stage := by_key.get(key)) is not None and (training := TrainSettings.of(stage)) is not None:
        yield key, training
        if not isinstance(training.start, Made):
            return
        key = training.start.key
