"""`xtransfer run`: runs a study through Prefect and shows the results."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from flows.commands import report
from flows.commands.common import AsJson, Settings, Small, StudyName, chosen, print_json
from flows.prefect_server import prefect_api
from flows.terminal import Console
from xtransfer.base.errors import RequestError
from xtransfer.base.settings import Settings as Places
from xtransfer.base.settings import current, shown
from xtransfer.base.words import counted, duration

if TYPE_CHECKING:
    from flows.display import Display
    from flows.run_study import Summary
    from xtransfer.study.study import Study

Result = TypeVar("Result")

_LAST_EVENTS_SECONDS = 10
STOPPED = 130  # the exit status of a program that Ctrl-C ended

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


class Runner(StrEnum):
    """Where stages run."""

    LOCAL = "local"
    RAY = "ray"


On = Annotated[Runner, typer.Option("--runner", help="Run stages on this machine, or on the nodes of a Ray cluster.")]
RayAddress = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="The Ray cluster; `auto`: that of this machine; default: start one here."),
]


@dataclass(frozen=True)
class Done:
    """A run that succeeded."""

    study: Study
    ran: list[str]  # names of the stages that ran
    report: Path
    left_out: tuple[str, ...]  # recorded parts of the study outside this run
    seconds: float
    where: list[str]  # lines: where report, results and artifacts are

    def facts(self) -> dict[str, object]:
        return {
            "study": self.study.name,
            "ran": self.ran,
            "report": self.report,
            "left_out": self.left_out,
            "seconds": self.seconds,
        }

    def say(self, console: Console, following: str) -> None:
        """Print a summary, where everything is, and what to do next."""
        lines = [
            f"\n{self.study.name}: done in {duration(self.seconds)}, {counted(len(self.ran), 'stage')} ran",
            *(f"  recorded, and not part of this run: {one}" for one in self.left_out),
            *self.where,
            f"next: {following}",
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
) -> None:
    """Run a study through Prefect; finished stages are not run again."""

    def start() -> Summary:
        from flows.run_study import run_study

        if runner is Runner.RAY:
            with redirect_stdout(sys.stderr if as_json else sys.stdout):  # Ray prints when a node is lost
                return _run_on_ray(ray_address, wanted, workers, per_device, limits)
        return run_study(wanted, workers, per_device, limits, devices_per_stage)

    if ray_address is not None and runner is not Runner.RAY:
        raise RequestError("--ray-address is for --runner ray")
    from xtransfer.stages.limits import parse_timeouts
    from xtransfer.stages.slots import slots

    limits = parse_timeouts(timeout_hours or ())
    wanted = chosen(study, small, settings)
    if runner is Runner.RAY and devices_per_stage > 1:
        raise RequestError("--devices-per-stage works on one machine only: Ray assigns one device to each stage")
    if runner is Runner.LOCAL:
        slots(workers, per_device, devices_per_stage)  # raises RequestError before a server starts
    console = Console(stderr=as_json)
    done = run(wanted, start, out, console, quiet=quiet)
    if as_json:
        print_json(done.facts())
        return
    _print_gains(wanted, console)
    asked = [*(["--small"] if small else []), *(word for one in settings or () for word in ("--set", one))]
    done.say(
        console,
        f"{shlex.join(['xtransfer', 'results', 'gains', '--study', wanted.name])} | "
        f"{shlex.join(['xtransfer', 'plan', study, *asked])} | xtransfer studies",
    )


def run(study: Study, start: Callable[[], Summary], out: Path | None, console: Console, *, quiet: bool = False) -> Done:
    """Run a study by `start`, which calls its flow, and write its report.

    Raises RequestError for a wrong request or database before a server starts.
    """
    from xtransfer.planning import grid
    from xtransfer.results.database import open_database
    from xtransfer.results.read import definition_of
    from xtransfer.study.extents import extended

    with _stoppable(console):
        grid.plan(study)
        places = current().prepare()
        with open_database(places.database_url) as database:
            if (recorded := definition_of(database, study.name)) is not None:
                extended(recorded, study)
    began = time.monotonic()
    summary, url = started(start, console, quiet=quiet)
    page = _page(summary.report, study, places, out)
    where = [
        f"  report    {page}",
        f"  results   {shown(places.database_url)}",
        f"  artifacts {shown(places.store)}",
        f"  Prefect   {url} (while a run or `xtransfer serve` is active)",
    ]
    return Done(study, list(summary.ran), page, summary.left_out, time.monotonic() - began, where)


def started(start: Callable[[], Result], console: Console, *, quiet: bool = False) -> tuple[Result, str]:
    """The result of `start`, which calls a flow on the Prefect server of this home, and the server's address."""
    from flows.display import Display

    with _stoppable(console), Display(console, quiet=quiet) as display:
        display.note("starting the Prefect server")
        with prefect_api(current().prepare().home) as url:
            display.note("planning")
            return _flow(start, display), url


@contextmanager
def _stoppable(console: Console) -> Iterator[None]:
    """Answer Ctrl-C in one line, and with the exit status that it has."""
    try:
        yield
    except KeyboardInterrupt:
        console.print("Stopped. Finished stages are kept; run the same command to resume.")
        raise typer.Exit(STOPPED) from None


def _run_on_ray(
    address: str | None, study: Study, workers: int | None, per_device: int | None, limits: dict[str, float]
) -> Summary:
    """Run `run_study` with its tasks on a Ray cluster."""
    from flows.ray_cluster import ray_cluster
    from flows.run_study import run_study

    with ray_cluster(address):
        from prefect_ray import RayTaskRunner

        return run_study.with_options(task_runner=RayTaskRunner())(study, workers, per_device, limits)


def _flow(start: Callable[[], Result], display: Display) -> Result:
    """The flow's result; raises the error that it failed with."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")  # the display shows it
    from prefect.events.worker import EventsWorker
    from prefect.logging.configuration import setup_logging
    from prefect.logging.handlers import APILogHandler

    from flows.prefect_fixes.dead_runs import mark_dead
    from flows.run_lock import dead
    from tasks.runtime import LISTENER

    setup_logging()
    home = current().home
    mark_dead(home, dead(home))  # otherwise killed runs of this machine stay Running for ever
    LISTENER.set(display)
    try:
        return start()
    finally:  # send Prefect's pending logs and events before the server stops
        APILogHandler().flush()
        EventsWorker.drain_all(timeout=_LAST_EVENTS_SECONDS)


def _page(written: str | None, study: Study, places: Places, out: Path | None) -> Path:
    """The report's page as the run wrote it, or copied to `out`; written here if the run could not."""
    if written is None:
        return report.write(study.name, out or places.home / "reports" / study.name)
    if out is None:
        return Path(written)
    from xtransfer.report.files import copied

    return copied(Path(written), out)


def _print_gains(study: Study, console: Console) -> None:
    from xtransfer.analysis.grid import gains
    from xtransfer.analysis.points import study_points
    from xtransfer.report.tables import rich_tables
    from xtransfer.results.database import open_database
    from xtransfer.store.artifacts import ArtifactStore

    places = current()
    with open_database(places.database_url, read_only=True) as database:
        frame = gains(study_points(database, study.name), ArtifactStore(places.store))
    for table in rich_tables(frame, console.width):
        console.print(table)
    if left_out := frame.attrs["excluded"]:
        console.print(f"left out: {counted(len(left_out), 'cell')} without usable scores; for the reasons:")
        console.print(f"  xtransfer results runs --study {study.name}", highlight=False)
