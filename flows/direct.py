"""Runs a flow in this process, on the Prefect server of its home: for the command line and for Python."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from flows.commands.common import demand_parent
from flows.prefect_server import SERVED, prefect_api
from flows.private import read_json
from flows.terminal import Console
from xtransfer.base.errors import XTransferError
from xtransfer.base.settings import Settings, current, shown
from xtransfer.base.words import amount, counted

if TYPE_CHECKING:
    from flows.display import Display
    from flows.run_study import Summary
    from xtransfer.base.stage import Stage
    from xtransfer.study.study import Study

Result = TypeVar("Result")

_LAST_EVENTS_SECONDS = 10


@dataclass(frozen=True)
class Done:
    """A run that succeeded."""

    study: Study
    ran: list[str]  # names of the stages that ran
    report: Path
    rounds: str  # of a study by rounds: what they have shown; empty for any other
    left_out: tuple[str, ...]  # recorded parts of the study outside this run
    seconds: float
    where: list[str]  # lines: where report, results and artifacts are


def run_and_report(
    study: Study, start: Callable[[], Summary], out: Path | None, console: Console, *, quiet: bool = False
) -> Done:
    """Run a study by `start`, which calls its flow, and write its report.

    Raises RequestError for a wrong request or database before a server starts.
    """
    from xtransfer.planning import grid
    from xtransfer.results.database import open_database
    from xtransfer.results.read import definition_of
    from xtransfer.study.extents import extended

    grid.plan(study)
    places = current().prepare()
    with open_database(places.database_url) as database:
        if (recorded := definition_of(database, study.name)) is not None:
            extended(recorded, study)
    if out is not None:
        _demand_writable(out)
    began = time.monotonic()
    summary, url = started(start, console, quiet=quiet)
    page = _page(summary.report, study, places, out)
    where = [
        f"  report    {page}",
        f"  results   {shown(places.database_url)}",
        f"  artifacts {shown(places.store)}{_removed(summary.removed)}",
        f"  Prefect   {_shown_by(url, places.home)}",
    ]
    return Done(study, list(summary.ran), page, summary.rounds, summary.left_out, time.monotonic() - began, where)


def _shown_by(url: str, home: Path) -> str:
    """Where a browser shows the run; the server may have run for it alone."""
    served = url in (os.environ.get("PREFECT_API_URL"), read_json(home / "prefect" / SERVED).get("url"))
    return url.removesuffix("/api") if served else "`xtransfer serve` shows the run in a browser"


def _removed(sizes: Sequence[int]) -> str:
    return f" ({counted(len(sizes), 'scored checkpoint')} removed, {amount(sum(sizes))})" if sizes else ""


def _demand_writable(out: Path) -> None:
    """Raise RequestError for a folder that the report cannot be written to, before hours of training."""
    from xtransfer.report.files import writing_to

    demand_parent("out", out)
    if not out.is_dir():
        with writing_to(out):
            out.mkdir()
            out.rmdir()


def started(start: Callable[[], Result], console: Console, *, quiet: bool = False) -> tuple[Result, str]:
    """The result of `start`, which calls a flow on the Prefect server of this home, and the server's address."""
    from flows.display import Display
    from xtransfer.store.artifacts import ArtifactStore

    store = ArtifactStore(current().store)

    def size_of(stage: Stage) -> int:
        try:
            made = store.find(stage.key)
        except (XTransferError, OSError):  # a store that is away for a moment
            return 0
        return sum(one.size for one in made.manifest.files.values()) if made else 0

    with Display(console, quiet=quiet, size_of=size_of) as display:
        display.note("starting the Prefect server")
        with prefect_api(current().prepare().home) as url:
            display.note("planning")
            return _flow(start, display), url


def _flow(start: Callable[[], Result], display: Display) -> Result:
    """The flow's result; raises the error that it failed with."""
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")  # the display shows it
    from prefect.context import refresh_global_settings_context
    from prefect.logging.configuration import setup_logging

    from flows.prefect_fixes.dead_runs import mark_dead
    from flows.run_lock import dead
    from tasks.runtime import LISTENER, TELL

    refresh_global_settings_context()  # an earlier run of this process had another server
    setup_logging()
    home = current().home
    mark_dead(home, dead(home))  # otherwise killed runs of this machine stay Running for ever
    LISTENER.set(display)
    TELL.set(display.decided)
    try:
        return start()
    finally:  # in a thread of its own, because Prefect does not wait where an event loop runs, as in a notebook
        last = threading.Thread(target=_send_pending)
        last.start()
        last.join()


def _send_pending() -> None:
    """Send Prefect's pending logs and events before the server stops."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogHandler

    APILogHandler().flush()
    EventsWorker.drain_all(timeout=_LAST_EVENTS_SECONDS)


def _page(written: str | None, study: Study, places: Settings, out: Path | None) -> Path:
    """The report's page as the run wrote it, or copied to `out`; written here if the run could not."""
    if written is None:
        from flows.commands import report

        return report.write(study.name, out or places.home / "reports" / study.name)
    if out is None:
        return Path(written)
    from xtransfer.report.files import copied

    return copied(Path(written), out)
