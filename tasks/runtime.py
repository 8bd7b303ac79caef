"""What tasks of one flow run share: the stage processes, the free slots, and who is told of progress."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from xtransfer.stages.isolated import StageProcesses
from xtransfer.stages.slots import Slot
from xtransfer.stages.spec import Stage


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


class Runtime:
    """Shared by the tasks of one flow run on one machine."""

    def __init__(self, processes: StageProcesses, slots: Sequence[Slot], listener: Listener) -> None:
        self.processes = processes
        self.listener = listener
        self.slots = len(slots)
        self._free: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        for slot in slots:
            self._free.put(slot)

    @contextmanager
    def slot(self) -> Iterator[Slot]:
        """A free slot, waited for, given back at the end."""
        slot = self._free.get()
        try:
            yield slot
        finally:
            self._free.put(slot)


RUNTIME: ContextVar[Runtime] = ContextVar("xtransfer_runtime")  # task threads run in a copy of the flow's context
LISTENER: ContextVar[Listener] = ContextVar("xtransfer_listener")  # set by the command line
