"""A kind of stage for tests that does what its settings say. Stage servers know it where XTRANSFER_BENCHMARKS names
this file, which they run as they start.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xtransfer.base.errors import DataError
from xtransfer.base.stage import Stage, StageKind, Work, nothing
from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.stages import STAGES
from xtransfer.stages.memory_kills import noted

ODD = Benchmark(
    name="odd", kind="pair", languages=("en",), source=Source("./odd", splits={"test": "test"}), licence="none",
    columns={"first": "a", "second": "b", "label": "c"}, labels=("x", "y"), metric="accuracy", chance=50.0,
)  # fmt: skip


def odd(name: str, *inputs: Stage, kind: str = "odd", **settings: Any) -> Stage:
    """A stage that notes each try in the file `tries` and fails the first `failures` of them, as `how` says; it kills
    itself until it has been told of `memory_kills` kills."""
    return Stage(kind, 1, name, {"name": name, **settings}, {one.name: one.key for one in inputs})


def run(settings: Mapping[str, Any], inputs: Mapping[str, Path], work: Work) -> dict[str, Any]:
    number = _tries(settings)
    if number <= settings.get("failures", 0):
        _FAIL[settings["how"]](settings)
    if noted(work.state) < settings.get("memory_kills", 0):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(settings.get("seconds", 0))
    (work.out / "made.txt").write_text(f"{settings['name']} on {work.device}")
    return {"tries": number, "device": work.device}


def _tries(settings: Mapping[str, Any]) -> int:
    if "tries" not in settings:
        return 1
    with Path(settings["tries"]).open("a") as file:
        file.write("x")
    return Path(settings["tries"]).stat().st_size


def _away(settings: Mapping[str, Any]) -> None:
    raise ConnectionResetError("the hub hung up")


def _wrong(settings: Mapping[str, Any]) -> None:
    raise DataError("row 3: no label")


def _killed(settings: Mapping[str, Any]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _device_goes(settings: Mapping[str, Any]) -> None:
    shutil.rmtree(settings["folder"])
    raise RuntimeError("CUDA error: unknown error")


_FAIL = {"away": _away, "wrong": _wrong, "killed": _killed, "device": _device_goes}

STAGES["odd"] = StageKind("odd", 1, run, nothing, seconds=0.1)
