"""Runs one process per device to train one run together. If one dies, all end and the error says why.

Gradients are summed with NCCL between GPUs and Gloo between CPUs; decisions are shared with Gloo, which does not wait
for a GPU.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import pickle
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import TypeVar, cast

import torch
import torch.distributed as dist

from xtransfer.base.channel import Channel, end_with_owner, receive
from xtransfer.base.errors import DeviceError
from xtransfer.base.stage import Progress, no_progress
from xtransfer.training.process_group import ProcessGroup

log = logging.getLogger(__name__)

# (process group, device, progress, *arguments) → a rank's result; a module-level function, so that it can be pickled
R = TypeVar("R")
Run = Callable[..., R]
_PATIENCE = timedelta(days=1)  # timeout for a rank that is alive: the first rank may take long to score dev rows
_TO_END = 30.0  # seconds for a process to end whose pipe is closed
_LAST_WORDS = 5.0  # seconds to wait for further messages after a failure: the first one heard may not be the cause


def together(
    devices: Sequence[str], run: Run[R], arguments: Sequence[object] = (), progress: Progress = no_progress
) -> R:
    """Runs `run` in one process per device and returns the first rank's result.

    Raises what a rank raised, or DeviceError if one was killed. No process outlives the call.
    """
    context = multiprocessing.get_context("spawn")  # fork would inherit locks of threads, and CUDA does not support it
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
            return cast(R, _followed(ranks, progress))
        finally:
            for rank in ranks:
                rank.end()


class _Rank:
    """A rank's process, as the parent process sees it."""

    def __init__(self, number: int, device: str, process: SpawnProcess, pipe: Connection) -> None:
        self.number, self.device, self.process, self.pipe = number, device, process, pipe
        self.open = True  # more messages may come
        self.outcome: tuple[str, object] | None = None  # ("done", value) or ("failed", error)

    def listen(self, progress: Progress) -> None:
        """Handles its next message, or notes that the pipe is closed."""
        try:
            what, value = receive(self.pipe, progress)
        except EOFError:
            self.open = False
            return
        if what in ("done", "failed"):
            self.outcome = (what, value)

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _followed(ranks: Sequence[_Rank], progress: Progress) -> object:
    """Follows all ranks until they end; returns the first rank's result."""
    failed: list[_Rank] = []  # in the order they were heard
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
    """Returns the error to raise: a killed rank is the cause of other ranks' errors; otherwise the first one heard."""
    for rank in failed:
        if rank.outcome is None:
            rank.process.join(timeout=_TO_END)
            status = rank.process.exitcode
            how = (
                "was killed, likely for lack of memory"
                if status == -signal.SIGKILL
                else f"ended with exit status {status}; its own messages are above"
            )
            return DeviceError(
                f"the training process on {rank.device} ({rank.number + 1} of {size}) {how}, so the others were "
                "stopped; run the same command again to resume"
            )
    assert failed[0].outcome is not None
    error = failed[0].outcome[1]
    assert isinstance(error, BaseException)
    return error


def _rank(
    pipe: Connection, meeting: tuple[str, int, int, str, int], run: Run[object], arguments: tuple[object, ...]
) -> None:
    """Runs in each process: joins the group, runs, and reports the result or the error."""
    file, number, size, device, threads = meeting
    owner = multiprocessing.parent_process()
    assert owner is not None
    end_with_owner(owner.sentinel)
    channel = Channel(pipe)
    channel.forward_logs(logging.INFO if number == 0 else logging.ERROR)
    torch.set_num_threads(threads)
    try:
        _meet(file, number, size, device)
        progress = channel.progress if number == 0 else no_progress
        value = run(ProcessGroup(number, size), device, progress, *arguments)
        dist.barrier()
        channel.send("done", value if number == 0 else None)
    except BaseException as error:
        log.error("%s", device, exc_info=error)
        channel.send("failed", _sendable(error, device))
    pipe.close()
    os._exit(0)  # the result is sent; a normal exit of a failed group would wait for its peers


def _meet(file: str, number: int, size: int, device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
    backend = "cpu:gloo,cuda:nccl" if device.startswith("cuda") else "gloo"
    dist.init_process_group(backend, init_method=f"file://{file}", rank=number, world_size=size, timeout=_PATIENCE)


def _sendable(error: BaseException, device: str) -> BaseException:
    """Returns the error, or a DeviceError with its text if it cannot be pickled."""
    with contextlib.suppress(Exception):
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own data
        return error
    return DeviceError(f"{device}: {type(error).__name__}: {error}")
