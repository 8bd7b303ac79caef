"""Shared by the tasks of one flow run: stage processes, free slots, and the listener to progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Protocol, TypeAlias

from xtransfer.base.stage import Stage
from xtransfer.stages import by_kind
from xtransfer.stages.isolated import StageProcesses
from xtransfer.stages.slots import Pool, Slot
from xtransfer.store.artifacts import ArtifactStore

Cost: TypeAlias = Callable[[Stage], float]  # the seconds that a stage is expected to take


class Listener(Protocol):
    """Receives the events of a run's stages."""

    def planned(self, stages: Sequence[Stage], stored: int, cost: Cost = by_kind) -> None: ...
    def started(self, stage: Stage) -> None: ...
    def progressed(self, stage: Stage, message: str, done: int, total: int) -> None: ...
    def finished(self, stage: Stage, error: str | None) -> None: ...


class Nobody:
    """A listener that ignores everything."""

    def planned(self, stages: Sequence[Stage], stored: int, cost: Cost = by_kind) -> None: ...
    def started(self, stage: Stage) -> None: ...
    def progressed(self, stage: Stage, message: str, done: int, total: int) -> None: ...
    def finished(self, stage: Stage, error: str | None) -> None: ...


class Everyone:
    """Passes each event on to several listeners."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def planned(self, stages: Sequence[Stage], stored: int, cost: Cost = by_kind) -> None:
        for one in self._listeners:
            one.planned(stages, stored, cost)

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
        """`timeouts`: time limits in seconds by kind of stage; `any` for all other kinds."""
        self.processes = processes
        self.pool = pool
        self.listener = listener
        self.store = store
        self._timeouts = dict(timeouts or {})
        self._taken: dict[str, Slot] = {}

    @property
    def size(self) -> int:
        """The number of stages at the same time."""
        return len(self.pool)

    @property
    def device(self) -> str:
        """One of the devices that stages run on."""
        return self.pool.device

    def take(self, stage: Stage) -> Slot | None:
        """A slot for `stage`, or None if none is free; raises DeviceLost if no device is left."""
        slot = self.pool.take(stage.kind)
        if slot is not None:
            self._taken[stage.key] = slot
        return slot

    def give_back(self, stage: Stage, slot: Slot) -> None:
        self._taken.pop(stage.key, None)
        self.pool.give_back(slot)

    def lose(self, slot: Slot) -> None:
        """Drop the devices of `slot` that are gone."""
        self.pool.lose(slot)

    def slot(self, stage: Stage) -> Slot:
        """The slot taken for `stage`."""
        return self._taken[stage.key]

    def timeout(self, kind: str) -> float | None:
        """The time limit of a kind of stage in seconds; None: no limit."""
        return timeout(self._timeouts, kind)


def timeout(timeouts: Mapping[str, float], kind: str) -> float | None:
    """The limit of a kind among `timeouts` by kind (`any`: all others); None: no limit."""
    return timeouts.get(kind, timeouts.get("any"))


RUNTIME: ContextVar[Runtime] = ContextVar("xtransfer_runtime")  # task threads run in a copy of the flow's context
LISTENER: ContextVar[Listener] = ContextVar("xtransfer_listener")  # set by the command line
TELL: ContextVar[Callable[[str], None]] = ContextVar("xtransfer_tell")  # likewise: prints what a run decides
