"""Runs the training loop resumably: losses, progress, periodic state, and selection after each step."""

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from xtransfer.base.errors import StoreError
from xtransfer.base.hardware import hardware
from xtransfer.base.randomness import derived, own_randomness
from xtransfer.base.stage import Progress, no_progress
from xtransfer.models.checkpoints import below
from xtransfer.training import state
from xtransfer.training.loop import Backward, at_once, fit, linear_rate
from xtransfer.training.process_group import SINGLE_PROCESS, ProcessGroup

log = logging.getLogger(__name__)

B = TypeVar("B")
_REPORT_EVERY = 20  # steps between reads of the loss, each of which waits for the device


class BackwardPass(Protocol[B]):
    """Computes the gradients of a batch that may not fit into memory at once; saved and restored with the run."""

    def __call__(self, loss_of: Callable[[B], Tensor], batch: B, /) -> Tensor: ...

    def values(self) -> state.Values: ...

    def restore(self, values: state.Values) -> None: ...


class Watcher(Protocol):
    """Looks at the model after each step (selection); saved and restored with the run."""

    def after(self, step: int) -> Mapping[str, float]:
        """Returns the numbers of an evaluation that was due, to be shown."""
        ...

    @property
    def seen_enough(self) -> bool: ...

    def tensors(self) -> dict[str, Tensor]: ...

    def values(self) -> state.Values: ...

    def restore(self, tensors: Mapping[str, Tensor], values: state.Values) -> None: ...


@dataclass(frozen=True)
class Job(Generic[B]):
    """One run: model, data and length. `run` is a digest of everything that determines its course."""

    run: str
    module: nn.Module  # everything that is trained
    optimizer: torch.optim.Optimizer
    loss_of: Callable[[B], Tensor]
    batches: Callable[[int], Iterator[B]]  # endless, starting with that step (1, 2 …); the same at every call
    steps: int
    warmup: float
    clip_norm: float
    seed: int
    watcher: Watcher | None = None
    backward_pass: BackwardPass[B] | None = None  # computes a batch that may not fit into memory at once
    tokens: Callable[[B], int] | None = None  # how many a batch has, for the speed that is shown
    process_group: ProcessGroup = SINGLE_PROCESS  # the ranks that train together; each has its own job


@dataclass(frozen=True)
class Course:
    """How a run went: the loss of every step (fewer than planned if it became NaN) and its duration."""

    losses: list[float]
    seconds: float  # of all attempts together
    resumed_over: tuple[str, ...] = ()  # software and processor of each attempt, where an attempt had others

    @property
    def facts(self) -> dict[str, object]:
        """What a manifest records of it beside losses: an upgrade in mid-training is not passed over in silence."""
        return {"seconds": round(self.seconds, 2)} | (
            {"resumed_over": list(self.resumed_over)} if self.resumed_over else {}
        )


def train(
    job: Job[B],
    state_dir: Path,
    progress: Progress = no_progress,
    device: str = "cpu",
    save_every: float = 60.0,
    message: str = "training",
) -> Course:
    """Runs the job to its end, starting from its last saved state; the final weights are the same either way.

    They are equal bit for bit on one CPU with the same number of threads, elsewhere as far as the device is
    deterministic. The state is saved every `save_every` seconds, by the first rank. A loss that is not finite ends the
    run early, since it cannot recover; so does early stopping.
    """
    with own_randomness(device):
        torch.manual_seed(derived(job.seed, "dropout"))
        done, losses, earlier, attempts = _restore(job, state_dir, device)
        job.process_group.share(state.trained(job.module).values())
        started = saved = time.monotonic()
        pending: list[Tensor] = []
        job.module.train()
        rate = linear_rate(job.steps, job.warmup)
        speed = _Speed(job.tokens)
        batches = speed.counted(_batches(job, done))
        backward: Backward[B] = job.backward_pass or at_once
        for step, loss in fit(job.optimizer, job.loss_of, batches, rate, job.clip_norm, done + 1, backward):
            pending.append(loss)
            if job.watcher is not None and (numbers := job.watcher.after(step)):
                progress(message, step, job.steps, numbers)
            due = job.process_group.agreed(time.monotonic() - saved >= save_every)
            if due or len(pending) == _REPORT_EVERY or step == job.steps or _seen_enough(job):
                losses += torch.stack(pending).tolist()
                pending.clear()
                if not math.isfinite(sum(losses[-_REPORT_EVERY:])):
                    break
                if due:
                    if job.process_group.first:
                        _save(job, state_dir, step, losses, earlier + time.monotonic() - started, device, attempts)
                    saved = time.monotonic()
                recent = losses[-_REPORT_EVERY:]
                shown = {"loss": sum(recent) / len(recent), "rate": job.optimizer.param_groups[0]["lr"]}
                progress(message, step, job.steps, {**shown, **speed.numbers()})
    return Course(losses, earlier + time.monotonic() - started, tuple(attempts) if len(attempts) > 1 else ())


class _Speed(Generic[B]):
    """Counts the tokens of batches, and the seconds since the last look."""

    def __init__(self, tokens: Callable[[B], int] | None) -> None:
        self.tokens, self.count, self.since = tokens, 0, time.monotonic()

    def counted(self, batches: Iterator[B]) -> Iterator[B]:
        for batch in batches:
            if self.tokens is not None:
                self.count += self.tokens(batch)
            yield batch

    def numbers(self) -> dict[str, float]:
        """Returns tokens per second since the last call, evaluations included; nothing if they are not counted."""
        count, seconds = self.count, time.monotonic() - self.since
        self.count, self.since = 0, time.monotonic()
        return {"tokens_per_second": count / max(seconds, 1e-9)} if self.tokens is not None else {}


def _batches(job: Job[B], done: int) -> Iterator[B]:
    """Returns the remaining batches, until early stopping."""
    left = itertools.islice(job.batches(done + 1), job.steps - done)
    awaited = itertools.takewhile(lambda _: not _seen_enough(job), left)
    return job.process_group.with_own_randomness(awaited, job.seed, done + 1)


def _seen_enough(job: Job[B]) -> bool:
    return job.watcher is not None and job.watcher.seen_enough


def _save(
    job: Job[B], folder: Path, step: int, losses: list[float], seconds: float, device: str, attempts: list[str]
) -> None:
    watcher = job.watcher
    tensors = {
        **state.prefixed("trained", state.trained(job.module)),
        **state.prefixed("moments", state.moments(job.optimizer)),
        **state.prefixed("random", state.random_state(device)),
        **state.prefixed("watcher", watcher.tensors() if watcher else {}),
        "losses": torch.tensor(losses, dtype=torch.float64),
    }
    values = {
        "seconds": seconds,
        "attempts": attempts,
        "watcher": watcher.values() if watcher else {},
        "backward_pass": job.backward_pass.values() if job.backward_pass else {},
    }
    state.write(folder, state.State(job.run, step, tensors, values))


def _restore(job: Job[B], folder: Path, device: str) -> tuple[int, list[float], float, list[str]]:
    """Returns the last saved step, the losses and seconds up to it, and on what attempts ran, this one's last."""
    here = ", ".join([*(f"{name} {version(name)}" for name in ("torch", "transformers")), hardware(device)])
    saved = state.read(folder, job.run)
    if job.process_group.from_first(lambda: saved.step if saved else 0) != (saved.step if saved else 0):
        raise StoreError(f"{folder}: the ranks found different saved states; put it on a file system they all share")
    if saved is None:
        return 0, [], 0.0, [here]
    attempts = list(saved.values.get("attempts", ()))
    if attempts and attempts[-1] != here:
        log.warning("resumed from step %d of a run on %s; this is %s", saved.step, attempts[-1], here)
    attempts += [here] if here not in attempts[-1:] else []
    state.restore_trained(job.module, below("trained", saved.tensors))
    state.restore_moments(job.optimizer, below("moments", saved.tensors))
    state.restore_random(below("random", saved.tensors), device)
    if job.watcher is not None:
        job.watcher.restore(below("watcher", saved.tensors), saved.values["watcher"])
    if job.backward_pass is not None:
        job.backward_pass.restore(saved.values["backward_pass"])
    return saved.step, saved.tensors["losses"].tolist(), float(saved.values["seconds"]), attempts
