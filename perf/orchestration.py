"""The overhead of running a study beyond the work of its stages.

A plan of a thousand cells; a rerun of a finished study of a thousand cells, with its report; and a thousand stages that
do nothing, through Prefect, in stage processes, under leases. The alternative is a loop in a shell script with a Python
process per stage, of which a few are timed. `--cells`, `--stages` and `--workers` measure larger ones, without goals.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from flows.prefect_server import prefect_api
from perf import empty as empty_stages
from perf.empty import empty
from perf.finished import finish
from perf.measure import Bound, Measure, parser, show
from xtransfer.base.stage import Stage
from xtransfer.planning import grid
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.study import Study, make

STAGES, CELLS = 1000, 1000
PLAN_GOAL, RERUN_GOAL, STAGE_GOAL = 2.0, 10.0, 0.05  # seconds; the last per stage
_PROCESSES = 3  # of the alternative; each takes seconds
_ALONE = "import sys; from perf.orchestration import alone; alone(sys.argv[1], int(sys.argv[2]))"


def study(cells: int) -> Study:
    """A study of laboratory benchmarks: five encoders, five intermediates, two targets, and seeds to reach `cells`."""
    return make(
        {
            "name": "many-cells",
            "encoders": [f"lab-tiny@{seed}" for seed in range(5)],
            "intermediates": ["direct", "lab-nli@en", "lab-nli@de", "lab-nli@tr", "lab-nli@tr~lab-marian"],
            "targets": ["lab-inference", "lab-copa"],
            "seeds": [*range(cells // 50)],
            "intermediate_recipe": {"epochs": 1, "max_length": 64},
            "target_recipe": {"epochs": 1, "max_length": 64},
        }
    )


def planning(cells: int) -> Bound:
    wanted = study(cells)
    grid.plan(study(50))  # reads once what is cached per process: declarations, the laboratory world
    start = perf_counter()
    plan = grid.plan(wanted)
    assert len(plan.cells) == cells
    return Bound(f"plan of {cells:,} cells, s", perf_counter() - start, PLAN_GOAL if cells == CELLS else None)


def rerun(cells: int, folder: Path) -> list[Bound]:
    """Time a study whose artifacts all exist: the first run, which records them, and a rerun."""
    from flows.run_study import run_study

    wanted = study(cells)
    finish(grid.plan(wanted), ArtifactStore(folder / "artifacts"))
    seconds = []
    for _ in range(2):
        start = perf_counter()
        assert not run_study(wanted).ran, "a stage of a finished study was executed"
        seconds.append(perf_counter() - start)
    return [
        Bound(f"recording {cells:,} finished cells, s", seconds[0], None),
        Bound(f"rerun of {cells:,} finished cells, s", seconds[1], RERUN_GOAL if cells == CELLS else None),
    ]


def per_stage(stages: int, folder: Path, workers: int | None = None) -> Measure:
    """Seconds per empty stage; the alternative: a process for each."""
    ours = [_through_prefect(stages, str(folder / "artifacts"), workers) / stages]
    other = [_in_a_process(folder / "alone", number) for number in range(_PROCESSES)]
    mean = sum(other) / len(other)
    return Measure(f"one of {stages:,} empty stages", ours, [mean], under=STAGE_GOAL if stages == STAGES else None)


def _through_prefect(stages: int, store: str, workers: int | None) -> float:
    from prefect import flow

    from flows.stages import run_stages, stage_runtime

    failures: list[str] = []

    @flow(name="empty-stages")
    def empty_flow() -> float:
        with stage_runtime(store, workers, "empty-stages") as runtime:
            run_stages([empty(-1)], runtime, _nothing, failed)  # so that the stage server has imported everything
            start = perf_counter()
            made = run_stages([empty(number) for number in range(stages)], runtime, _nothing, failed)
            assert len(made) == stages, failures
            return perf_counter() - start

    def failed(stage: Stage, readers: Sequence[Stage], reason: str) -> None:
        failures.append(reason)

    return empty_flow()


def _nothing(stage: Stage) -> None:
    """Record nothing of an empty stage."""


def _in_a_process(folder: Path, number: int) -> float:
    start = perf_counter()
    subprocess.run([sys.executable, "-c", _ALONE, str(folder), str(number)], check=True)
    return perf_counter() - start


def alone(folder: str, number: int) -> None:
    """What a script per stage does: import the libraries, run one stage."""
    import torch  # noqa: F401
    import transformers  # noqa: F401

    from xtransfer.stages.execute import execute

    execute(empty(number), ArtifactStore(folder))


@contextmanager
def _home() -> Iterator[Path]:
    """A temporary home with a Prefect server that knows the empty stages."""
    with TemporaryDirectory(prefix="xtransfer-perf-") as folder:
        os.environ.update(XTRANSFER_HOME=folder, XTRANSFER_BENCHMARKS=empty_stages.__file__)
        os.environ["PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW"] = "ignore"
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
        with prefect_api(Path(folder)):
            yield Path(folder)


def measure(cells: int, stages: int, workers: int | None) -> list[Measure | Bound]:
    with _home() as folder:
        return [planning(cells), *rerun(cells, folder), per_stage(stages, folder, workers)]


def _main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--cells", type=int, default=CELLS, help=f"cells of the plan and the rerun (default: {CELLS})")
    options.add_argument("--stages", type=int, default=STAGES, help=f"empty stages to run (default: {STAGES})")
    options.add_argument("--workers", type=int, help="stages at the same time (default: as a run)")
    asked = options.parse_args()
    cells, stages = (100, 50) if asked.quick else (asked.cells, asked.stages)
    show(measure(cells, stages, asked.workers), asked, "Orchestration")


if __name__ == "__main__":
    _main()
