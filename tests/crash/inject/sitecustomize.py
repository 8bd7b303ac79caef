"""Kills a process at named places of the product. Python imports this file as it starts where PYTHONPATH names its
folder; it does nothing unless CRASH_PLAN names a folder with `plan.json`: `kills` (place → number of an arrival → part
of the stage's time after which it is killed) and `seconds` (kind of stage → how long one takes).

All processes of a home count their arrivals at a place together. The arrival with a planned number ends with SIGKILL
and leaves a file `PLACE@NUMBER` with the id of its run's process: so each kill happens once.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial, wraps
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

_PLAN, _RUN = "CRASH_PLAN", "CRASH_RUN"
_SERVER = "xtransfer.stages.server"


class Kills:
    """The kills planned in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        found = json.loads((folder / "plan.json").read_text())
        self.plan: dict[str, dict[str, float]] = found["kills"]
        self.seconds: dict[str, float] = found["seconds"]

    def arrive(self, place: str) -> None:
        """Count an arrival, and die here if that is planned."""
        if (number := self.planned(place)) is not None:
            self.kill(place, number)

    def planned(self, place: str) -> int | None:
        """The number of this arrival, if it is to be killed."""
        if place not in self.plan:
            return None
        handle = os.open(self.folder / place, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(handle, b".")
            number = os.lseek(handle, 0, os.SEEK_CUR)  # the end of what this process has appended
        finally:
            os.close(handle)
        return number if str(number) in self.plan[place] else None

    def timer(self, place: str, kind: str) -> threading.Timer | None:
        """Start to wait for the end of this process, if that is planned for this arrival; `kind`: in `seconds`."""
        if (number := self.planned(place)) is None:
            return None
        seconds = self.plan[place][str(number)] * self.seconds.get(kind, 0.0)
        timer = threading.Timer(seconds, self.kill, (place, number))
        timer.daemon = True
        timer.start()
        return timer

    def kill(self, place: str, number: int) -> None:
        """Die; at the places of a takeover with the whole run."""
        handle = os.open(self.folder / f"{place}@{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        os.write(handle, os.environ[_RUN].encode())
        os.close(handle)
        if place.startswith(("holder", "takeover")):
            os.kill(int(os.environ[_RUN]), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


def _around(function: Callable[..., Any], before: Callable[..., None], after: Callable[..., None]) -> Any:
    @wraps(function)
    def wrapped(*given: Any, **more: Any) -> Any:
        before(*given)
        answer = function(*given, **more)
        after(*given)
        return answer

    return wrapped


def _nothing(*_: Any) -> None:
    return


class _Stages:
    """The kinds of stages; what they run is killed some time after it has begun."""

    def __init__(self, kinds: Any, kills: Kills) -> None:
        self._kinds, self._kills = kinds, kills

    def __getitem__(self, name: str) -> Any:
        kind = self._kinds[name]
        return kind if name == "pretrain" else replace(kind, run=partial(self._run, name, kind.run))

    def _run(self, name: str, run: Callable[..., Any], *given: Any) -> Any:
        timers = [timer for place in ("stage", "holder") if (timer := self._kills.timer(place, name))]
        try:
            return run(*given)
        finally:
            for timer in timers:
                timer.cancel()


def _execute(module: Any, kills: Kills) -> None:
    module.STAGES = _Stages(module.STAGES, kills)


def _local(module: Any, kills: Kills) -> None:
    """Commit: files are synced, the manifest is written, the folder is renamed, what is left is removed."""

    def synced(path: Path) -> None:
        if path.is_dir():
            kills.arrive("commit-renamed")
        else:
            kills.arrive("commit-manifest-written" if path.name == module.manifests.FILE else "commit-file-synced")

    kind = module.LocalArtifacts
    module.sync = _around(module.sync, _nothing, synced)
    kind.adopt = _around(kind.adopt, _nothing, partial(_arrived, kills, "commit-before-tidying"))
    begun, done = partial(_arrived, kills, "commit-begun"), partial(_arrived, kills, "commit-done")
    kind.commit = _around(kind.commit, begun, done)

    def emptied(store: Any, key: str) -> Path:
        taken = store.partial(key).exists() and any(kills.folder.glob("holder@*"))
        if taken:
            kills.arrive("takeover-begun")
        out: Path = empty_out(store, key)
        if taken:
            kills.arrive("takeover-emptied")
        return out

    empty_out, kind.empty_out = kind.empty_out, emptied


def _write(module: Any, kills: Kills) -> None:
    """Record: these are called within the transaction, at its beginning and at its end."""
    for name in ("_write_provenance", "_link"):
        begun = "record-cell-begun" if name == "_write_provenance" else "record-study-begun"
        setattr(module, name, _around(getattr(module, name), partial(_arrived, kills, begun), _nothing))
    for name in ("_write_scores", "_need"):
        written = "record-cell-written" if name == "_write_scores" else "record-study-written"
        setattr(module, name, _around(getattr(module, name), _nothing, partial(_arrived, kills, written)))


def _arrived(kills: Kills, place: str, *_: Any) -> None:
    kills.arrive(place)


def _report(kills: Kills) -> None:
    """Report: a file of it is written, and has not got its name yet."""

    def written(_: Path, target: Path) -> None:
        if "reports" in Path(target).parts:
            kills.arrive("report")

    Path.replace = _around(Path.replace, written, _nothing)  # type: ignore[method-assign]


def _server(kills: Kills) -> None:
    """A stage server forks for each stage: before it, and after it in the server."""

    def forked() -> int:
        kills.arrive("server-asked")
        if child := fork():
            kills.arrive("server-forked")
        return child

    fork, os.fork = os.fork, forked


_WRAPS = {"xtransfer.stages.execute": _execute, "xtransfer.store.local": _local, "xtransfer.results.write": _write}


class _Finder(MetaPathFinder):
    """Wraps functions of modules as they are imported."""

    def __init__(self, kills: Kills) -> None:
        self._kills = kills

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in _WRAPS or (spec := PathFinder.find_spec(name, path)) is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def loaded(module: Any) -> None:
            load(module)
            _WRAPS[name](module, self._kills)

        spec.loader.exec_module = loaded  # type: ignore[method-assign]
        return spec


def install(folder: Path) -> None:
    """Kill this process and its children as planned in `folder`."""
    kills = Kills(folder)
    if _RUN not in os.environ:
        os.environ[_RUN] = str(os.getpid())
        kills.timer("run", "run")
    if _SERVER in sys.orig_argv:
        _server(kills)
    _report(kills)
    for name, wrap in _WRAPS.items():
        if name in sys.modules:
            wrap(sys.modules[name], kills)
    sys.meta_path.insert(0, _Finder(kills))


if _PLAN in os.environ:
    install(Path(os.environ[_PLAN]))
