"""What tasks of one flow run share: the stage processes, the free slots, and who is told of progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Protocol

from xtransfer.base.stage import Stage
from xtransfer.stages.isolated import StageProcesses
from xtransfer.stages.slots import Pool, Slot
from xtransfer.store.artifacts import ArtifactStore


class Listener(Protocol):
    """Told what happens to the stages of a run."""

    def planned(self, stages: Sequence[Stage], stored: int) -> None: ...
    def started(self, stage: Stage) -> None: ...
    def progressed(self, stage: Stage, message: str, done: int, total: int) -> None: ...
    def finished(self, stage: Stage, error: str | None) -> None: ...


class Nobody:
    """Listens to nothing."""

    def planned(self, stages: Sequence[Stage], stored: int) -> None: ...
    def started(self, stage: Stage) -> None: ...
    def progressed(self, stage: Stage, message: str, done: int, total: int) -> None: ...
    def finished(self, stage: Stage, error: str | None) -> None: ...


class Everyone:
    """Tells several listeners, one after the other."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def planned(self, stages: Sequence[Stage], stored: int) -> None:
        for one in self._listeners:
            one.planned(stages, stored)

    def started(self, stage: Stage) -> None:
        for one in self._listeners:
            one.started(stage)

    def progressed(self, stage: Stage, message: str, done: int, total: int) -> None:
        for one in self._listeners:
            one.progressed(stage, message, done, total)

    def finished(self, stage: Stage, error: str | None) -> None:
        for one in self._listeners:
            one.finished(stage, error)


class Runtime:
    """Shared by the tasks of one flow run on one machine."""

    def __init__(
        self,
        processes: StageProcesses,
        pool: Pool,
        listener: Listener,
        store: ArtifactStore,
        timeouts: Mapping[str, float] | None = None,
    ) -> None:
        """`timeouts`: seconds that a stage may take, by kind; `any` for every other kind."""
        self.processes = processes
        self.pool = pool
        self.listener = listener
        self.store = store
        self._timeouts = dict(timeouts or {})
        self._taken: dict[str, Slot] = {}

    def take(self, stage: Stage) -> Slot | None:
        """A slot for `stage`, or None while there is no room; raises DeviceLost where no device is left."""
        slot = self.pool.take(stage.kind)
        if slot is not None:
            self._taken[stage.key] = slot
        return slot

    def give_back(self, stage: Stage, slot: Slot) -> None:
        self._taken.pop(stage.key, None)
        self.pool.give_back(slot)

    def lose(self, slot: Slot) -> None:
        """The device of `slot` is gone."""
        self.pool.lose(slot.device)

    def slot(self, stage: Stage) -> Slot:
        """The slot that was taken for `stage`."""
        return self._taken[stage.key]

    def timeout(self, kind: str) -> float | None:
        """Seconds that a stage of that kind may take; None: as long as it needs."""
        return timeout(self._timeouts, kind)


def timeout(timeouts: Mapping[str, float], kind: str) -> float | None:
    """What a kind of stage may take, of numbers by kind; None: as long as it needs."""
    return timeouts.get(kind, timeouts.get("any"))


RUNTIME: ContextVar[Runtime] = ContextVar("xtransfer_runtime")  # task threads run in a copy of the flow's context
LISTENER: ContextVar[Listener] = ContextVar("xtransfer_listener")  # set by the command line
