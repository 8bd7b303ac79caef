"""Processes that make one small artifact, to be killed or suspended while they do."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tests.crash.inject import sitecustomize
from tests.running import forks
from tests.standin.loose import Loose
from xtransfer.base.errors import LeaseLost, StageError, StageHeld
from xtransfer.base.stage import StageKind, Work, nothing
from xtransfer.stages import STAGES
from xtransfer.stages.execute import execute
from xtransfer.store.artifacts import ArtifactStore

STAGE = Loose().stage("something odd")
MADE, HELD, LOST = 0, 3, 4  # how a process ends
_SECONDS = 0.3  # that the stage takes


@dataclass(frozen=True)
class Maker:
    """A machine, and the folder in which it notes each time that the stage runs."""

    home: Path
    notes: Path
    more: dict[str, str] = field(default_factory=dict)  # of the environment

    @property
    def store(self) -> ArtifactStore:
        return ArtifactStore(self.more.get("XTRANSFER_STORE", self.home / "artifacts"))

    def start(self, plan: Path | None = None) -> BaseProcess:
        """A process that makes the artifact, and is killed where `plan` says so."""
        process = forks().Process(target=_make, args=(self, plan))
        process.start()
        return process

    def end(self, plan: Path | None = None) -> int | None:
        """Runs such a process to its end; how it ended."""
        process = self.start(plan)
        process.join(120)
        return process.exitcode

    def runs(self) -> list[str]:
        """The processes in which the stage has run."""
        return sorted(one.name for one in self.notes.iterdir())


def _make(maker: Maker, plan: Path | None) -> None:
    os.environ |= {"XTRANSFER_HOME": str(maker.home), **maker.more}
    if plan is not None:
        sitecustomize.install(plan)

    def run(settings: Loose, work: Work) -> dict[str, Any]:
        (work.state / "step.txt").write_text("1")
        (maker.notes / str(os.getpid())).touch()
        time.sleep(_SECONDS)
        (work.out / "made.txt").write_text(f"{os.getpid()}\n" * 1000)
        return {}

    STAGES["loose"] = StageKind(Loose, run, nothing, seconds=1)
    try:
        execute(STAGE, maker.store, wait=False)
    except StageHeld:
        sys.exit(HELD)
    except StageError as error:
        if not isinstance(error.__cause__, LeaseLost):
            raise
        sys.exit(LOST)
