"""The role of each stage behind a score, found from how stages depend on each other."""

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
    """The role of a stage in one cell; it may have another role in another cell."""

    name: str  # one of TRAININGS, or the role of its kind (`StageSettings.role`)
    phase: int | None = None  # for a training, its number among those of the intermediate or of the target, from 0
    language: str = ""  # for a training, the language of its rows; joined by '+' for a mixture


def roles(stages: Sequence[Stage | Manifest], score: str, num_phases: int) -> dict[str, Role]:
    """Returns the roles of a score stage and all stages that it depends on, by key.

    `stages` are those of a plan or the manifests of artifacts, `score` is the key of the score stage. The first
    `num_phases` trainings from the encoder on are the intermediate's, later ones the target's; with translate-train,
    each language has its own later ones.
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
    """Yields the trainings that lead to a checkpoint with their keys, last first."""
    key = last
    while (stage := by_key.get(key)) is not None and (training := TrainSettings.of(stage)) is not None:
        yield key, training
        if not isinstance(training.start, Made):
            return
        key = training.start.key
