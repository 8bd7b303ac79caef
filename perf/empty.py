"""A kind of stage that does nothing, to see what running a stage costs beyond its work.

Stage servers know it where XTRANSFER_BENCHMARKS names this file, which they run as they start.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xtransfer.base.stage import Stage, StageKind, Work, nothing
from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.stages import STAGES

NOTHING = Benchmark(
    name="nothing", kind="pair", languages=("en",), source=Source("./nothing", splits={"test": "test"}),
    columns={"first": "a", "second": "b", "label": "c"}, labels=("x", "y"), metric="accuracy", chance=50.0,
    licence="none",
)  # fmt: skip


def run(settings: Mapping[str, Any], inputs: Mapping[str, Path], work: Work) -> dict[str, Any]:
    return {}


STAGES["empty"] = StageKind("empty", 1, run, nothing, seconds=0.01)


def empty(number: int) -> Stage:
    return Stage("empty", 1, f"empty {number}", {"number": number})
