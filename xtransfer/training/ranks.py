"""Processes that train one run together, one for each device. One that dies ends them all, and why is said.

Gradients travel by NCCL between GPUs and by Gloo between processors; decisions by Gloo, which waits for no GPU.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import pickle
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from xtransfer.base.errors import DeviceError
from xtransfer.base.stage import Progress, silent
from xtransfer.training.process_group import Team

log = logging.getLogger(__name__)

Run = Callable[..., Any]  # (team, device, progress, *arguments) → what the first rank hands back; a module's function
_PATIENCE = timedelta(days=1)  # for a rank that is alive, however long the first one takes to score dev rows
_LAST_WORDS = 5.0  # seconds that others have to end after one has: the first to fail may not be the first to be heard


def together(devices: Sequence[str], run: Run, arguments: Sequence[Any] = (), progress: Progress = silent) -> Any:
    """Run `run` in one process for each device, and return what the first hands back.

    Raises what a rank raised, or DeviceError where one was killed; no process is left in any case.
    """
    context = multiprocessing.get_context("spawn")  # a fork would inherit threads' locks, and CUDA refuses it
    threads = max(1, torch.get_num_threads() // len(devices))
    with tempfile.TemporaryDirectory(prefix="xtransfer-ranks-") as folder:
        ranks = []
        try:
            for number, device in enumerate(devices):
                ours, theirs = context.Pipe(duplex=False)
                meeting = (str(Path(folder) / "meeting"), number, len(devices), device, threads)
                process = context.Process(target=_rank, args=(theirs, meeting, run, tuple(arguments)), daemon=True)
                process.start()
                theirs.close()
                ranks.append(_Rank(number, device, process, ours))
            return _followed(ranks, progress)
        finally:
            for rank in ranks:
                rank.end()


class _Rank:
    """A process as its owner sees it."""

    def __init__(self, number: int, device: str, process: Any, pipe: Connection) -> None:
        self.number, self.device, self.process, self.pipe = number, device, process, pipe
        self.open = True  # it may still say something
        self.outcome: tuple[str, Any] | None = None  # ("done", value) or ("failed", error)

    def listen(self, progress: Progress) -> None:
        """Take its next message, or note that there will be none."""
        try:
            what, value = pickle.loads(self.pipe.recv_bytes())  # noqa: S301 - of the process that we started
        except (EOFError, OSError):
            self.open = False
            return
        if what == "progress":
            progress(*value)
        elif what == "log":
            log.log(*value)
        else:
            self.outcome = (what, value)

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _followed(ranks: Sequence[_Rank], progress: Progress) -> Any:
    """What the first rank hands back, when all have ended well."""
    failed: list[_Rank] = []  # in the order in which they were heard
    deadline = float("inf")
    while any(rank.open for rank in ranks) and time.monotonic() < deadline:
        speaking = {rank.pipe: rank for rank in ranks if rank.open}
        for pipe in wait(list(speaking), timeout=min(1.0, max(0.0, deadline - time.monotonic()))):
            rank = speaking[pipe]  # type: ignore[index]
            rank.listen(progress)
            ended_badly = not rank.open and rank.outcome is None
            if (ended_badly or (rank.outcome and rank.outcome[0] == "failed")) and rank not in failed:
                failed.append(rank)
                deadline = min(deadline, time.monotonic() + _LAST_WORDS)
    if failed:
        raise _reason(failed, len(ranks))
    assert ranks[0].outcome is not None
    return ranks[0].outcome[1]


def _reason(failed: Sequence[_Rank], size: int) -> BaseException:
    """A rank that was killed is the reason why others lost it; otherwise the first that was heard."""
    for rank in failed:
        if rank.outcome is None:
            rank.process.join(timeout=1)
            return DeviceError(
                f"the process of {rank.device} (number {rank.number + 1} of {size} that train together) was killed "
                f"(exit status {rank.process.exitcode}: out of memory, or by hand), and the others were ended; run "
                "the same command again to go on"
            )
    assert failed[0].outcome is not None
    error: BaseException = failed[0].outcome[1]
    return error


def _rank(pipe: Connection, meeting: tuple[str, int, int, str, int], run: Run, arguments: tuple[Any, ...]) -> None:
    """Such a process: it meets the others, runs, and tells how it went."""
    file, number, size, device, threads = meeting
    threading.Thread(target=_end_with_owner, daemon=True).start()
    say = _Pipe(pipe)
    logging.basicConfig(level=logging.INFO if number == 0 else logging.ERROR, handlers=[_Forward(say)], force=True)
    torch.set_num_threads(threads)
    try:
        _meet(file, number, size, device)
        progress = say.progress if number == 0 else silent
        value = run(Team(number, size), device, progress, *arguments)
        dist.barrier()
        say("done", value if number == 0 else None)
    except BaseException as error:
        log.error("%s", device, exc_info=error)
        say("failed", _sendable(error, device))
    pipe.close()
    os._exit(0)  # what the others hear has been said; a failed group would wait for its peers


def _meet(file: str, number: int, size: int, device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
    backend = "cpu:gloo,cuda:nccl" if device.startswith("cuda") else "gloo"
    dist.init_process_group(backend, init_method=f"file://{file}", rank=number, world_size=size, timeout=_PATIENCE)


def _sendable(error: BaseException, device: str) -> BaseException:
    """The error, or what it says where it cannot be pickled."""
    with contextlib.suppress(Exception):
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        return error
    return DeviceError(f"{device}: {type(error).__name__}: {error}")


class _Pipe:
    """(what, value) pairs to the owner."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._lock = pipe, threading.Lock()

    def __call__(self, what: str, value: Any) -> None:
        with self._lock:
            self._pipe.send_bytes(pickle.dumps((what, value)))

    def progress(self, *told: Any) -> None:
        self("progress", told)


class _Forward(logging.Handler):
    """Sends log records to the owner."""

    def __init__(self, say: _Pipe) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say("log", (record.levelno, self.format(record)))


def _end_with_owner() -> None:
    owner = multiprocessing.parent_process()
    if owner is not None:
        wait([owner.sentinel])
        os._exit(1)
