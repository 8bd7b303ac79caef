"""Sends the numbers of running stages to a tracker: loss, learning rate, dev scores, tokens per second.

XTRANSFER_CURVES chooses it; without it, nothing here runs. Nothing of it is in a stage's key, its facts or its random
numbers. A tracker has a thread of its own: one that fails or hangs is reported once, and its stage goes on.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from xtransfer.base.errors import RequestError
from xtransfer.base.settings import absolute, current
from xtransfer.base.stage import Progress, Stage

log = logging.getLogger(__name__)

_SETTING = "XTRANSFER_CURVES"
_PATIENCE = 10.0  # seconds that the end of a stage waits for its tracker
_MOST_WAITING = 10_000  # reports that wait for a slow tracker; further ones are left out

Send = Callable[[Mapping[str, float], int], object]  # (numbers, step)
Run = tuple[Send, Callable[[], object]]  # … and what ends it


@dataclass(frozen=True)
class Tracker:
    """A library that draws curves, and how a run is opened in it. To add one, add an entry to `TRACKERS`."""

    modules: tuple[str, ...]  # the first that is installed is used
    install: str
    open: Callable[[Any, str, str, int], Run]  # (module, place, run's name, first step)
    place: str = "xtransfer"  # where, if the setting does not say: a project; empty: the folder curves/ of the home


@dataclass(frozen=True)
class Chosen:
    """What XTRANSFER_CURVES says."""

    tracker: Tracker
    module: str  # installed
    place: str  # project or folder


def chosen() -> Chosen | None:
    """Returns the tracker of XTRANSFER_CURVES, None if it is not set.

    Raises RequestError for an unknown one, and for one whose library is not installed.
    """
    text = os.environ.get(_SETTING)
    if not text:
        return None
    name, _, place = text.partition(":")
    tracker = TRACKERS.get(name)
    if tracker is None:
        raise RequestError(
            f"{_SETTING}: '{text[:80]}' is not one of {', '.join(TRACKERS)}, with :PLACE behind it or not"
        )
    module = next((one for one in tracker.modules if _is_installed(one)), None)
    if module is None:
        raise RequestError(f"{_SETTING}: {name} is not installed; pip install {tracker.install}, or unset it")
    if not tracker.place:
        place = str(absolute(place, _SETTING) if place else current().home / "curves")
    return Chosen(tracker, module, place or tracker.place)


@contextmanager
def followed(stage: Stage, progress: Progress) -> Iterator[Progress]:
    """Yields `progress`, whose numbers also go to the tracker, if there is one. Raises nothing of its own."""
    try:
        found = chosen()
    except RequestError as error:  # another machine's setting than where the study was planned
        log.warning("no curves: %s", error)
        found = None
    if found is None:
        yield progress
        return
    sender = _Sender(found, _name(stage))

    def both(message: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None:
        if metrics:
            sender.put(metrics, done)
        progress(message, done, total, metrics)

    try:
        yield both
    finally:
        sender.close()


class _Sender:
    """Hands numbers to a thread that has the tracker, and never waits for it but at the end."""

    def __init__(self, chosen: Chosen, name: str) -> None:
        self._chosen, self._name = chosen, name
        self._waiting: queue.Queue[tuple[Mapping[str, float], int] | None] = queue.Queue(_MOST_WAITING)
        self._thread = threading.Thread(target=self._work, name="curves", daemon=True)
        self._thread.start()

    def put(self, numbers: Mapping[str, float], step: int) -> None:
        with suppress(queue.Full):
            self._waiting.put_nowait((dict(numbers), step))

    def close(self) -> None:
        """Waits for what was sent, for a while."""
        with suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            log.warning("curves: %s did not take everything in time; the stage is not affected", self._chosen.module)

    def _work(self) -> None:
        try:
            first = self._waiting.get()
            if first is None:
                return
            module = import_module(self._chosen.module)
            send, end = self._chosen.tracker.open(module, self._chosen.place, self._name, first[1])
            try:
                item: tuple[Mapping[str, float], int] | None = first
                while item is not None:
                    send(*item)
                    item = self._waiting.get()
            finally:
                end()
        except Exception as error:  # whatever a tracker raises
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            log.warning("curves: %s failed (%s); the stage is not affected", self._chosen.module, reason)


def _name(stage: Stage) -> str:
    """Returns a run's name, readable and as unique as its stage."""
    return f"{re.sub('[^A-Za-z0-9@.=-]+', '-', stage.name)[:80]}-{stage.key[:12]}"


def _is_installed(module: str) -> bool:
    """Returns whether a module can be imported, without importing it."""
    if module == "torch.utils.tensorboard":
        module = "tensorboard"  # which it needs
    return find_spec(module) is not None


def _tensorboard(module: Any, place: str, name: str, first: int) -> Run:
    """Steps from `first` on that an attempt wrote before it was killed are replaced."""
    writer = module.SummaryWriter(str(Path(place) / name), purge_step=first, flush_secs=10)

    def send(numbers: Mapping[str, float], step: int) -> None:
        for one, value in numbers.items():
            writer.add_scalar(one, value, step)

    return send, writer.close


def _wandb(module: Any, place: str, name: str, first: int) -> Run:
    """A resumed stage continues its run: the id is its name."""
    run = module.init(project=place, name=name, id=name, resume="allow")
    return (lambda numbers, step: run.log(dict(numbers), step=step)), run.finish


def _trackio(module: Any, place: str, name: str, first: int) -> Run:
    run = module.init(project=place, name=name, resume="allow")
    return (lambda numbers, step: run.log(dict(numbers), step=step)), run.finish


def _mlflow(module: Any, place: str, name: str, first: int) -> Run:
    """Its server is that of MLFLOW_TRACKING_URI. A resumed stage makes another run of the same name."""
    module.set_experiment(place)
    module.start_run(run_name=name)
    return (lambda numbers, step: module.log_metrics(dict(numbers), step=step)), module.end_run


TRACKERS = {
    "tensorboard": Tracker(("torch.utils.tensorboard", "tensorboardX"), "'xtransfer[curves]'", _tensorboard, place=""),
    "trackio": Tracker(("trackio",), "trackio", _trackio),
    "mlflow": Tracker(("mlflow",), "mlflow", _mlflow),
    "wandb": Tracker(("wandb",), "wandb", _wandb),
}
