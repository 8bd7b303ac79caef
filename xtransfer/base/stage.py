"""A stage: one cached unit of work. Its key names its result before it is computed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from xtransfer.base.digest import canonical, digest


class Progress(Protocol):
    """Told how far a stage is: what it does, steps done, steps in all, numbers worth showing."""

    def __call__(self, message: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None: ...


def no_progress(message: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None:
    """No-op progress callback."""


@dataclass(frozen=True)
class Work:
    """What a running stage is given."""

    out: Path  # an empty folder; what is in it when the stage returns becomes the artifact
    state: Path  # a folder that outlives a kill: the next try finds what this one left there
    progress: Progress = no_progress
    device: str = "cpu"
    devices: tuple[str, ...] = ()  # all that a training run may divide its batches over; none: `device` alone


@dataclass(frozen=True)
class Outside:
    """Something that a stage reads from outside the store, and what it was when the stage was planned."""

    what: str  # the subject of an error that says that it changed
    how: str  # what may have changed it
    pin: str
    now: Callable[[], str]  # what the pin would be now


def nothing(settings: Mapping[str, Any]) -> Iterable[Outside]:
    """What a kind of stage reads whose stages read folders and artifacts alone."""
    return ()


@dataclass(frozen=True)
class StageKind:
    """What all stages of one kind share. Raise `version` when what `run` computes changes."""

    name: str
    version: int
    run: Callable[[Mapping[str, Any], Mapping[str, Path], Work], dict[str, Any]]
    # (settings, folders of the inputs by name, work) → facts for the manifest: losses, counts, scores
    reads: Callable[[Mapping[str, Any]], Iterable[Outside]]
    # settings → rows and corpora that `run` reads; they are checked around it, as the folders in `Stage.places` are
    seconds: float  # rough cost on two CPU cores at laboratory size, for estimates before anything was timed


@dataclass(frozen=True)
class Stage:
    """One stage of a plan. Settings hold everything that changes the result, and nothing else."""

    kind: str
    version: int
    name: str  # readable, not part of the identity: `train nli@de seed 1`
    settings: Mapping[str, Any]
    inputs: Mapping[str, str] = field(default_factory=dict)  # name → key of the stage that makes it
    places: Mapping[str, str] = field(default_factory=dict)  # name → folder of a pinned input from outside; no identity

    @cached_property
    def key(self) -> str:
        """Digest of kind, version, settings and the inputs' keys."""
        return digest(self.kind, self.version, dict(self.settings), dict(self.inputs))

    def to_json(self) -> str:
        return canonical(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Stage:
        return cls(**json.loads(text))
