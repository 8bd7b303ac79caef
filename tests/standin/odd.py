"""A kind of stage for tests that does what its settings say. Stage servers know it where XTRANSFER_BENCHMARKS names
this file, which they run as they start.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from xtransfer.base.errors import DataError
from xtransfer.base.stage import Made, Stage, StageKind, StageSettings, Work, nothing
from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.stages import STAGES
from xtransfer.stages.memory_kills import noted

ODD = Benchmark(
    name="odd", kind="pair", languages=("en",), source=Source("./odd", splits={"test": "test"}), licence="none",
    columns={"first": "a", "second": "b", "label": "c"}, labels=("x", "y"), metric="accuracy", chance=50.0,
)  # fmt: skip


class OddSettings(StageSettings):
    """What the stage does."""

    kind: ClassVar[str] = "odd"
    role: ClassVar[str] = "odd"

    name: str
    reads: tuple[Made, ...] = ()
    tries: str = ""  # file that each try is noted in
    failures: int = 0  # tries that fail, from the first
    how: str = ""  # one of _FAIL
    memory_kills: int = 0  # kills that it has to be told of before it stops killing itself
    seconds: float = 0
    folder: str = ""  # that goes with the device


def odd(name: str, *inputs: Stage, kind: str = "odd", **settings: Any) -> Stage:
    """A stage with these settings; it passes for one of another kind where `kind` says so."""
    reads = tuple(Made(key=one.key) for one in inputs)
    return replace(OddSettings(name=name, reads=reads, **settings).stage(name), kind=kind)


def run(settings: OddSettings, work: Work) -> dict[str, object]:
    number = _tries(settings)
    if number <= settings.failures:
        _FAIL[settings.how](settings)
    if noted(work.state) < settings.memory_kills:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(settings.seconds)
    (work.out / "made.txt").write_text(f"{settings.name} on {work.device}")
    return {"tries": number, "device": work.device}


def _tries(settings: OddSettings) -> int:
    if not settings.tries:
        return 1
    with Path(settings.tries).open("a") as file:
        file.write("x")
    return Path(settings.tries).stat().st_size


def _away(settings: OddSettings) -> None:
    raise ConnectionResetError("the hub hung up")


def _wrong(settings: OddSettings) -> None:
    raise DataError("row 3: no label")


def _killed(settings: OddSettings) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _device_goes(settings: OddSettings) -> None:
    shutil.rmtree(settings.folder)
    raise RuntimeError("CUDA error: unknown error")


_FAIL = {"away": _away, "wrong": _wrong, "killed": _killed, "device": _device_goes}

STAGES["odd"] = StageKind(OddSettings, run, nothing, seconds=0.1)
