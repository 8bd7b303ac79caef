"""`xtransfer run`: run a study through Prefect, and show what came out."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from flows.commands.common import AsJson, Settings, Small, StudyName, chosen, print_json
from flows.display import Display
from flows.prefect_server import prefect_api
from xtransfer.settings import Settings as Places
from xtransfer.study import Study

_LAST_EVENTS_SECONDS = 10
_STOPPED = 130  # the exit status of a program that Ctrl-C has ended


def command(
    study: StudyName,
    small: Small = False,
    settings: Settings = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Stages at the same time; default: one per GPU or CPU core.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the report; default: reports/STUDY below XTRANSFER_HOME.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run it through Prefect; what is finished already is not run again."""
    from xtransfer import grid
    from xtransfer.results.database import open_database
    from xtransfer.settings import current

    wanted = chosen(study, small, settings)
    grid.plan(wanted)  # whatever is wrong with the request or the database is said before a server starts
    places = current().prepare()
    open_database(places.database_url).close()
    console = Console(stderr=as_json)
    began = time.monotonic()
    with Display(console) as display:
        display.note("starting the Prefect server")
        with prefect_api(places.home) as url:
            display.note("planning")
            try:
                ran = _flow(wanted, workers, display)
            except KeyboardInterrupt:
                console.print("stopped; what is finished is kept, and the same command goes on from there")
                raise typer.Exit(_STOPPED) from None
    folder = out or places.home / "reports" / wanted.name
    page = _report(wanted, places, folder, console, quiet=as_json)
    if as_json:
        print_json({"study": wanted.name, "ran": ran, "report": page, "seconds": time.monotonic() - began})
        return
    console.print(
        f"\n{wanted.name}: done in {time.monotonic() - began:.0f} s, {len(ran)} stages ran\n"
        f"  report    {page}\n"
        f"  results   {places.database_url}\n"
        f"  artifacts {places.store}\n"
        f"  Prefect   {url} (while a run or `prefect server start` is on)\n"
        f"next: xtransfer results gains --study {wanted.name} | xtransfer plan {study} | xtransfer studies",
        highlight=False,
        soft_wrap=True,
    )


def _flow(study: Study, workers: int | None, display: Display) -> list[str]:
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")  # the display says it better
    from prefect.events.worker import EventsWorker
    from prefect.logging.configuration import setup_logging
    from prefect.logging.handlers import APILogHandler

    from flows.run_study import run_study
    from tasks.runtime import LISTENER

    setup_logging()
    LISTENER.set(display)
    try:
        state = run_study(study, workers, return_state=True)
    finally:  # what Prefect still has to tell its server must be told before the server stops
        APILogHandler().flush()
        EventsWorker.drain_all(timeout=_LAST_EVENTS_SECONDS)
    result = state.result(raise_on_failure=False)
    if isinstance(result, BaseException):
        raise result
    return list(result.ran)


def _report(study: Study, places: Places, folder: Path, console: Console, quiet: bool) -> Path:
    """Write the report of a recorded study; print its tables unless `quiet`."""
    from xtransfer.analysis.gains import gains
    from xtransfer.analysis.points import study_points
    from xtransfer.report.page import write_report
    from xtransfer.report.tables import rich_tables
    from xtransfer.results.database import open_database
    from xtransfer.store.artifacts import ArtifactStore

    store = ArtifactStore(places.store)
    with open_database(places.database_url, read_only=True) as database:
        if not quiet:
            frame = gains(study_points(database, study.name), store)
            for table in rich_tables(frame, console.width):
                console.print(table)
            if left_out := frame.attrs["excluded"]:
                console.print(f"{len(left_out)} cells are left out, since they learnt nothing or have no scores; why:")
                console.print(f"  xtransfer results runs --study {study.name}", highlight=False)
        return write_report(study.name, database, store, folder)
