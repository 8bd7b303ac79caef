"""`xtransfer run`: runs a study through Prefect and shows the results."""

from __future__ import annotations

import json
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from flows import direct
from flows.commands.common import AsJson, Settings, Small, StudyName, chosen, print_json
from flows.commands.found import gains_of, looks_at, print_gains, print_rounds
from flows.direct import Done, run_and_report
from flows.terminal import Console
from xtransfer.base.errors import RequestError
from xtransfer.base.words import counted, duration

if TYPE_CHECKING:
    from flows.run_study import Summary
    from xtransfer.study.study import Study

Result = TypeVar("Result")

STOPPED = 130  # the exit status of a program that Ctrl-C ended
_ENDED = 128 + signal.SIGTERM  # of one that a scheduler ended

Workers = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Stages at the same time; default: one per GPU or CPU core.")
]
PerDevice = Annotated[
    int | None,
    typer.Option(min=1, max=64, help="Scoring and translating stages at the same time on one GPU; default: 1."),
]
Timeouts = Annotated[
    list[str] | None,
    typer.Option(
        "--timeout-hours",
        metavar="KIND=HOURS",
        help="Time limit of a kind of stage; HOURS alone: all other kinds. Repeatable.",
    ),
]
DevicesPerStage = Annotated[
    int, typer.Option(min=1, max=64, help="Devices that train one model together, each on a part of every batch.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress, only what failed and the results.")]
Out = Annotated[Path | None, typer.Option(help="Folder for the report; default: reports/STUDY in XTRANSFER_HOME.")]


class Kept(StrEnum):
    """What of a target stays once it is scored."""

    ALL = "all"
    SCORES = "scores"


Keep = Annotated[
    Kept,
    typer.Option(
        help="scores: remove a target's checkpoint once all its scores and predictions are stored; scoring another "
        "language or exporting the model then needs another training."
    ),
]


class Until(StrEnum):
    """When a study stops before its whole grid has run."""

    DECIDED = "decided"
    LIKELY = "likely"


UntilWhen = Annotated[
    Until | None,
    typer.Option(
        help="Run by rounds, leave out what is settled, and stop once the best intermediate is decided (95% over all "
        "looks), or likely (95% probability, fewer runs)."
    ),
]
Spend = Annotated[
    str | None,
    typer.Option(
        "--budget",
        metavar="TIME",
        help="Of a study by rounds: at most 4h, 90min …, 20gpuh, 20cpuh or 24cells in this run.",
    ),
]
Predicted = Annotated[
    bool,
    typer.Option(
        "--prior",
        help="Of a study by rounds: run first what is predicted to be the best, from all recorded studies.",
    ),
]


class Runner(StrEnum):
    """Where stages run."""

    LOCAL = "local"
    RAY = "ray"


On = Annotated[Runner, typer.Option("--runner", help="Run stages on this machine, or on the nodes of a Ray cluster.")]
RayAddress = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="The Ray cluster; `auto`: that of this machine; default: start one here."),
]


def facts(done: Done) -> dict[str, object]:
    """What `--json` prints of every run."""
    return {
        "study": done.study.name,
        "ran": done.ran,
        "report": done.report,
        "not_part_of_this_run": done.left_out,
        "seconds": done.seconds,
    }


def say(done: Done, console: Console, following: Sequence[Sequence[str]]) -> None:
    """Print a summary, where everything is, and commands to run next."""
    lines = [
        f"\n{done.study.name}: done in {duration(done.seconds)}, {counted(len(done.ran), 'stage')} ran",
        *(f"  recorded, and not part of this run: {one}" for one in done.left_out),
        *done.where,
        "next:",
        *(f"  {shlex.join(['xtransfer', *words])}" for words in following),
    ]
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)


def command(
    study: StudyName,
    small: Small = False,
    settings: Settings = None,
    workers: Workers = None,
    devices_per_stage: DevicesPerStage = 1,
    out: Out = None,
    as_json: AsJson = False,
    runner: On = Runner.LOCAL,
    ray_address: RayAddress = None,
    per_device: PerDevice = None,
    timeout_hours: Timeouts = None,
    quiet: Quiet = False,
    keep: Keep = Kept.ALL,
    until: UntilWhen = None,
    budget: Spend = None,
    prior: Predicted = False,
) -> None:
    """Run a study through Prefect; finished stages are not run again."""

    def start() -> Summary:
        from flows.run_study import run_study

        if runner is Runner.RAY:
            with redirect_stdout(sys.stderr if as_json else sys.stdout):  # Ray prints when a node is lost
                return _run_on_ray(ray_address, wanted, workers, per_device, limits, keep, budget)
        return run_study(wanted, workers, per_device, limits, devices_per_stage, keep.value, budget)

    if ray_address is not None and runner is not Runner.RAY:
        raise RequestError("--ray-address is for --runner ray")
    from xtransfer.stages.limits import parse_timeouts
    from xtransfer.stages.slots import slots

    limits = parse_timeouts(timeout_hours or ())
    console = Console(stderr=as_json)
    wanted = _by_rounds(chosen(study, small, settings), until, budget, console if prior else None)
    if runner is Runner.RAY and devices_per_stage > 1:
        raise RequestError("--devices-per-stage works on one machine only: Ray assigns one device to each stage")
    if runner is Runner.LOCAL:
        slots(workers, per_device, devices_per_stage)  # raises RequestError before a server starts
    done = run(wanted, start, out, console, quiet=quiet)
    if done.rounds and not as_json:
        print_rounds(wanted, done.rounds, console)
    else:
        if as_json:
            gains = gains_of(wanted)
            rows = json.loads(gains.to_json(orient="records", double_precision=15))
            looks = {"verdict": done.rounds, **looks_at(wanted)} if done.rounds else {}
            print_json({**facts(done), **looks, "left_out": gains.attrs["excluded"], "gains": rows})
            return
        print_gains(wanted, console)
    of_study = ("--study", wanted.name)
    say(done, console, [("results", "gains", *of_study), ("results", "power", *of_study), ("studies",)])


def run(study: Study, start: Callable[[], Summary], out: Path | None, console: Console, *, quiet: bool = False) -> Done:
    """`run_and_report`, which Ctrl-C ends with one line and its exit status."""
    with _stoppable(console):
        return run_and_report(study, start, out, console, quiet=quiet)


def started(start: Callable[[], Result], console: Console) -> Result:
    """The result of `start`, which calls a flow; Ctrl-C ends it with one line and its exit status."""
    with _stoppable(console):
        return direct.started(start, console)[0]


@contextmanager
def _stoppable(console: Console) -> Iterator[None]:
    """Answer Ctrl-C, and the SIGTERM of a scheduler, in one line and with the exit status that they have."""
    ended: list[int] = []

    def end(number: int, frame: object) -> None:
        ended.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except KeyboardInterrupt:
        console.print("Stopped. Finished stages are kept; run the same command to resume.")
        raise typer.Exit(_ENDED if ended else STOPPED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _by_rounds(study: Study, until: Until | None, budget: str | None, predicted_on: Console | None) -> Study:
    """The study, with the question of its rounds if it is to stop once that is settled, and with what is predicted,
    which is shown on a console."""
    from xtransfer.planning.budget import Budget

    if until is not None:
        asked = study.rounds.model_dump(mode="json") if study.rounds else {}
        study = study.with_settings({"rounds": {**asked, "until": until.value}})
    if budget is not None:
        if study.rounds is None:
            raise RequestError("--budget is for a study that runs by rounds: add --until decided")
        Budget.parse(budget)
    if predicted_on is not None:
        if study.rounds is None:
            raise RequestError("--prior is for a study that runs by rounds: add --until likely")
        from flows.commands.predict import with_prior

        study = with_prior(study, predicted_on)
    return study


def _run_on_ray(
    address: str | None,
    study: Study,
    workers: int | None,
    per_device: int | None,
    limits: dict[str, float],
    keep: Kept,
    budget: str | None,
) -> Summary:
    """Run `run_study` with its tasks on a Ray cluster."""
    from flows.ray_cluster import ray_cluster
    from flows.run_study import run_study

    with ray_cluster(address):
        from prefect_ray import RayTaskRunner

        return run_study.with_options(task_runner=RayTaskRunner())(
            study, workers, per_device, limits, keep=keep.value, budget=budget
        )
