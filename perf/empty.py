"""A kind of stage that does nothing, to measure the overhead of running a stage.

Stage servers know it if XTRANSFER_BENCHMARKS names this file, which they execute at start.
"""

from __future__ import annotations

from typing import ClassVar

from xtransfer.base.stage import Stage, StageKind, StageSettings, Work, nothing
from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.stages import STAGES

NOTHING = Benchmark(
    name="nothing", kind="pair", languages=("en",), source=Source("./nothing", splits={"test": "test"}),
    columns={"first": "a", "second": "b", "label": "c"}, labels=("x", "y"), metric="accuracy", chance=50.0,
    licence="none",
)  # fmt: skip


class EmptySettings(StageSettings):
    """A number that distinguishes stages."""

    kind: ClassVar[str] = "empty"
    role: ClassVar[str] = "empty"

    number: int


def run(settings: EmptySettings, work: Work) -> dict[str, object]:
    return {}


STAGES["empty"] = StageKind(EmptySettings, run, nothing, seconds=0.01)


def empty(number: int) -> Stage:
    return EmptySettings(number=number).stage(f"empty {number}")
