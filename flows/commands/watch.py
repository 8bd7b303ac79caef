"""`xtransfer watch`: looks for new checkpoints once and runs each, as `xtransfer run` does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from flows.commands.common import AsJson, Small, print_json, setting
from flows.commands.run import STOPPED, Workers, run, say
from flows.prefect_server import prefect_api
from flows.terminal import Console, Table
from xtransfer.base import declared
from xtransfer.base.digest import digest
from xtransfer.base.errors import RequestError, XTransferError
from xtransfer.base.settings import Settings, current

if TYPE_CHECKING:
    from flows.run_study import Summary
    from xtransfer.results.database import Database
    from xtransfer.study.study import Study
    from xtransfer.watch.claims import Turn
    from xtransfer.watch.record import Look, Sighting
    from xtransfer.watch.watch import Watch

_ALONE = ("--source", "--target", "--study", "--small", "--set", "--name", "--since", "--steady")


def command(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A watch as a YAML file; or use the options.")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", help="/runs/*/checkpoint-*, s3://bucket/runs/*, hf://someone/model. Repeatable."),
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option("--target", help="Score each on this target, as `evaluate` does. Repeatable.")
    ] = None,
    study: Annotated[str | None, typer.Option("--study", help="Or run this study with each as its encoder.")] = None,
    small: Small = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="A.B=C", help="Replace a field of the study, or of the evaluation. Repeatable."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the watch; default: derived from what it runs.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Skip checkpoints written before (UTC).")] = None,
    steady: Annotated[
        float | None, typer.Option(min=0, help="Seconds without writes before one counts; default: 60.")
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Run checkpoints again whose run failed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list; record, run and schedule nothing.")] = False,
    every: Annotated[
        float | None, typer.Option(min=1, metavar="SECONDS", help="Have the server look at this interval.")
    ] = None,
    cron: Annotated[str | None, typer.Option(help="Have the server look at these times (UTC).")] = None,
    off: Annotated[bool, typer.Option("--off", help="Remove the schedule from the server.")] = False,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Look for new checkpoints once, and run each that is whole and new, one after the other."""
    from xtransfer.results.database import open_database
    from xtransfer.watch.claims import states
    from xtransfer.watch.record import record

    given = (source, target, study, small, settings, name, since, steady is not None)
    watch = _watch(file, given) if file else _said(source, target, study, small, settings, name, since, steady)
    watch.check()
    console = Console(stderr=as_json)
    places = current().prepare()
    if not dry_run and (every is not None or cron is not None or off):
        _on_the_clock(watch, every, cron, off, places, console)
        return
    with open_database(places.database_url) as db:
        if dry_run:
            looked, ran = record(watch, db, dry=True), dict[str, str]()
        else:
            looked, ran = _look_and_run(watch, db, places, retry, workers, console)
        _show(watch, looked, states(watch.name, db), ran, console, as_json)
    if looked.faults or any(ran.values()):
        raise typer.Exit(1)


def _watch(file: Path, given: Sequence[object]) -> Watch:
    from xtransfer.watch.watch import Watch

    if named := [option for option, value in zip(_ALONE, given, strict=True) if value]:
        raise RequestError(f"{', '.join(named)}: set in the file; change {file}, or leave the option out")
    return declared.read(Watch, file)


def _said(
    source: list[str] | None,
    target: list[str] | None,
    study: str | None,
    small: bool,
    settings: list[str] | None,
    name: str | None,
    since: datetime | None,
    steady: float | None,
) -> Watch:
    """The watch that the options describe. Its default name depends on what it runs."""
    from xtransfer.watch.watch import Watch

    if not source or not (target or study):
        raise RequestError("name a watch file, or give --source PATTERN and either --target or --study")
    if target and study:
        raise RequestError("--target and --study: give only one of them")
    changes = dict(map(setting, settings or ()))
    what: dict[str, object] = {"study": study, "small": small, "settings": changes}
    if target:
        what = {"evaluate": {"targets": target, **changes}, **({"study": study} if study else {}), "small": small}
    values = {"name": name or f"watch-{digest(what)[:8]}", "sources": source, "since": since, **what}
    return declared.make(Watch, values | ({} if steady is None else {"steady_seconds": steady}), "watch")


def _on_the_clock(
    watch: Watch, every: float | None, cron: str | None, off: bool, places: Settings, console: Console
) -> None:
    """Put the watch on the server's schedule, or take it off."""
    if (every is not None) + (cron is not None) + off > 1:
        raise RequestError("--every, --cron and --off: give only one of them")
    with prefect_api(places.home):
        from flows.watch_schedule import keep_watching, stop_watching

        if off:
            done = "is no longer scheduled" if stop_watching(watch.name) else "had no schedule"
        else:
            keep_watching(watch, every, cron)
            times = f"every {every:g} s" if every is not None else f"at '{cron}' (UTC)"
            done = f"looks {times} while `xtransfer serve` runs"
    console.print(f"watch {watch.name} {done}", highlight=False, soft_wrap=True)


def _look_and_run(
    watch: Watch, db: Database, places: Settings, retry: bool, workers: int | None, console: Console
) -> tuple[Look, dict[str, str]]:
    """What was found, and for each run (by digest) why it failed, or ''."""
    from xtransfer.watch.claims import again, recover
    from xtransfer.watch.record import record

    looked = record(watch, db)
    recover(watch, db, places.home)
    if retry:
        again(watch.name, db)
    ran: dict[str, str] = {}
    try:
        for turn in _turns(watch, db, places, ran):
            _run(watch, turn, db, places, workers, ran, console)
    except KeyboardInterrupt:
        raise typer.Exit(STOPPED) from None
    return looked, ran


def _turns(watch: Watch, db: Database, places: Settings, ran: dict[str, str]) -> Iterator[Turn]:
    """The checkpoints to run, one after the other, on one Prefect server that is started for the first."""
    from xtransfer.watch.claims import take_turns

    turns = take_turns(watch, db)
    if not turns:
        return
    with prefect_api(places.home):
        while turns:
            yield from turns
            turns = take_turns(watch, db, without=ran)


def _run(
    watch: Watch,
    turn: Turn,
    db: Database,
    places: Settings,
    workers: int | None,
    ran: dict[str, str],
    console: Console,
) -> None:
    from xtransfer.models.files import fetched
    from xtransfer.watch.claims import claimed

    console.print(f"{escape(turn.location)}: running, as study {turn.study}", highlight=False, soft_wrap=True)
    try:
        with claimed(watch, turn.digest, db, places.home) as claim:
            ran[turn.digest] = ""
            if claim.refused:
                console.print(f"  {escape(claim.refused)}", highlight=False, soft_wrap=True)
                return
            with fetched.used(claim.location, turn.digest, places.home) as encoder:
                study = watch.study_for(encoder, claim.study)
                try:
                    done = run(study, lambda: _flow(study, workers), None, console)
                except typer.Exit:  # Ctrl-C, which `run` has reported
                    raise KeyboardInterrupt from None
            say(done, console, [("results", "scores", "--study", study.name)])
    except XTransferError as error:
        ran[turn.digest] = str(error)
        console.print(f"  [red]failed:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)


def _flow(study: Study, workers: int | None) -> Summary:
    from flows.run_study import run_study

    return run_study(study, workers)


def _show(
    watch: Watch, looked: Look, runs: dict[str, tuple[str, str]], ran: dict[str, str], console: Console, as_json: bool
) -> None:
    for source, fault in looked.faults.items():
        console.print(f"[red]{escape(source)}[/red]: {escape(fault)}", highlight=False, soft_wrap=True)
    rows = [_facts(one, *runs.get(one.verdict.digest, ("", ""))) for one in looked.sightings]
    if as_json:
        print_json({"watch": watch.name, "checkpoints": rows, "ran": len(ran), "faults": looked.faults})
        return
    if not rows:
        console.print(f"no checkpoint found: {escape(', '.join(watch.sources))}", highlight=False, soft_wrap=True)
        return
    table = Table("checkpoint", "step", "state", "run", "why", right=("step",))
    for row in rows:
        values = (row[name] for name in ("location", "step", "state", "run", "why"))
        table.add_row(*("" if value is None else str(value) for value in values))
    console.print(table)


def _facts(sighting: Sighting, run: str, reason: str) -> dict[str, object]:
    return {
        "location": sighting.candidate.location,
        "step": sighting.candidate.step,
        "digest": sighting.verdict.digest,
        "state": sighting.state,
        "run": run,
        "why": sighting.reason or reason,
    }
