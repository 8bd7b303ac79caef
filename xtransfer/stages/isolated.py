"""Runs each stage in its own process, started by one stage server per run."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from xtransfer.base.channel import receive
from xtransfer.base.declared import JsonObject
from xtransfer.base.errors import DeviceLost, StageError, StageKilled, StageOutOfMemory, StageTimeout
from xtransfer.base.stage import Progress, Stage, no_progress
from xtransfer.stages.memory_kills import MemoryKills, note
from xtransfer.stages.slots import Slot
from xtransfer.store.artifacts import ArtifactStore


@dataclass(frozen=True)
class Outcome:
    """The result of a successful stage."""

    key: str
    cached: bool  # another process had computed it in the meantime
    seconds: float  # of computing it, now or earlier
    facts: JsonObject


class StageProcesses:
    """Runs stages in child processes; thread-safe. `close` ends them all.

    If the server is killed, the next stage starts a new one; running stages continue.
    """

    def __init__(self, store: str) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._children: set[int] = set()
        self._closed = False
        self._memory_kills = MemoryKills()

    def __enter__(self) -> StageProcesses:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def start(self) -> None:
        """Starts the server early, so that it imports while the caller does something else."""
        with self._lock:
            self._start()

    def _start(self) -> None:
        if self._server is None or self._server.poll() is not None:
            if self._channel is not None:
                self._channel.close()
            ours, theirs = socket.socketpair()
            command = [sys.executable, "-m", "xtransfer.stages.server", str(theirs.fileno())]
            self._server = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
            theirs.close()
            self._channel = ours

    def run(self, stage: Stage, slot: Slot, progress: Progress = no_progress, timeout: float | None = None) -> Outcome:
        """Runs one stage to its end.

        Raises StageTimeout after `timeout` seconds, StageKilled if a signal ends it (StageOutOfMemory if the kernel
        was out of memory), DeviceLost if its device is gone, StageHeld if another process is computing it, and
        StageError if it fails.
        """
        device, devices = slot.in_process()
        request = {
            "stage": stage.to_json(),
            "store": self._store,
            "device": device,
            "devices": devices,
            "visible": slot.visible,
            "threads": slot.threads,
        }
        results, theirs = Pipe(duplex=False)
        their_alive, alive = Pipe(duplex=False)  # the child ends when `alive` closes: after this call or with us
        with results, alive:
            try:
                with theirs, their_alive:
                    self._ask(stage, json.dumps(request).encode(), [theirs.fileno(), their_alive.fileno()])
                return self._follow(stage, results, progress, timeout)
            except StageError as error:
                if (gone := slot.gone()) and not isinstance(error, DeviceLost):
                    raise DeviceLost(stage.name, f"its device {', '.join(gone)} is gone ({error.reason})") from error
                raise

    def _ask(self, stage: Stage, request: bytes, handles: list[int]) -> None:
        """Sends the server a stage to start; starts a new server first if it has died."""
        try:
            with self._lock:
                if self._closed:
                    raise StageError(stage.name, "the run has ended")
                self._start()
                assert self._channel is not None
                socket.send_fds(self._channel, [request], handles)
        except OSError as error:  # it has just died
            raise StageKilled(stage.name, f"the stage server was killed ({error})") from error

    def _follow(self, stage: Stage, results: Connection, progress: Progress, timeout: float | None) -> Outcome:
        child = _Child(timeout)
        try:
            while True:
                what, value = receive(results, progress)
                if what == "pid":
                    child.started(value)
                    self._children.add(value)
                elif what == "failed":
                    raise value
                elif what == "done":
                    return Outcome(stage.key, value["cached"], value["seconds"], value["facts"])
        except EOFError:  # it was killed
            pass
        finally:
            child.ended()
            self._children.discard(child.pid)
        if child.timed_out:
            raise StageTimeout(
                stage.name,
                f"took over {timeout:.0f} s and was stopped; raise its limit (--timeout-hours) and run the study again "
                "to resume",
            )
        if not self._closed and self._memory_kills.one_more():
            note(ArtifactStore(self._store).state(stage.key))
            raise StageOutOfMemory(
                stage.name,
                "out of memory: the kernel killed its process; run fewer stages at the same time (--workers), lower "
                "batch_size or max_length, or use a machine with more memory",
            )
        raise StageKilled(stage.name, "its process was killed by a signal; run the study again to resume")

    def kill(self) -> None:
        """Ends all running stages at once; `run` raises in each caller."""
        for pid in list(self._children):
            _kill(pid)

    def close(self) -> None:
        """Ends all stages and the server."""
        with self._lock:
            self._closed = True
            server, self._server = self._server, None
            if self._channel is not None:
                self._channel.close()
                self._channel = None
        self.kill()
        if server is None:
            return
        try:
            server.wait(timeout=0.5)
        except subprocess.TimeoutExpired:  # it is still importing
            server.kill()
            server.wait()


class _Child:
    """A running child: its process id, and the timer that ends it."""

    def __init__(self, timeout: float | None) -> None:
        self.pid = 0
        self.timed_out = False
        self._timer = threading.Timer(timeout, self._expire) if timeout else None

    def started(self, pid: int) -> None:
        self.pid = pid
        if self._timer:
            self._timer.start()

    def ended(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _expire(self) -> None:
        self.timed_out = True
        _kill(self.pid)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
