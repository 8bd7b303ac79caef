"""`xtransfer data`: checks the data that studies read, and mirrors it for machines without internet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from flows.commands.common import AsJson, Settings, Small, chosen, demand_parent, print_json
from flows.terminal import Console, Table, emit
from xtransfer.base.errors import RequestError
from xtransfer.base.words import counted

if TYPE_CHECKING:
    from xtransfer.base.stage import Progress as Told
    from xtransfer.data.check import Finding
    from xtransfer.data.need import Needs
    from xtransfer.data.remarks import Remark

app = typer.Typer(help="The data that studies read: check, mirror.", no_args_is_help=True)

_FEW = 6  # languages that are listed by code

OfStudy = Annotated[
    str | None, typer.Option("--study", metavar="STUDY", help="The data of this study: a built-in one or a YAML file.")
]
OfBenchmarks = Annotated[
    list[str] | None,
    typer.Option("--benchmark", metavar="NAME", help="All splits and languages of this benchmark. Repeatable."),
]


@app.command("check")
def check(
    study: OfStudy = None,
    benchmark: OfBenchmarks = None,
    small: Small = False,
    settings: Settings = None,
    fast: Annotated[bool, typer.Option("--fast", help="Read no rows, so find no hidden labels.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check each split: origin, availability, rows, hidden labels; exit status 1 if one cannot be used.

    Notes tell of repeated rows, rows in two splits, and columns that are constant or differ between parallel languages.

    Without --study or --benchmark: every benchmark, but rows that only the hub has are not read.
    """
    from xtransfer.benchmarks import BENCHMARKS
    from xtransfer.data.check import look
    from xtransfer.data.remarks import Remarks
    from xtransfer.planning.needs import of_benchmarks

    asked = _asked(study, benchmark, small, settings)
    needs = asked or of_benchmarks(BENCHMARKS)
    total = len(needs.rows) + len(needs.corpora) + len(needs.encoders)
    found: list[Finding] = []
    remarks = Remarks()
    with _bar(Console(stderr=True)) as told:
        for finding in look(needs, "none" if fast else "all" if asked else "here", remarks):
            told(f"{finding.name} {finding.language}", len(found), total)
            found.append(finding)
    if as_json:
        pieces = [asdict(finding) for finding in found]
        said = {"pieces": pieces, "lacking": needs.lacking, "remarks": list(map(asdict, remarks))}
        print_json({"ok": all(one.ok for one in found), **said})
    else:
        _show(found, needs, remarks)
    if not all(one.ok for one in found):
        raise typer.Exit(1)


@app.command("mirror")
def mirror(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The mirror's folder, created if missing.")],
    study: OfStudy = None,
    benchmark: OfBenchmarks = None,
    small: Small = False,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Mirror everything a study reads in the hub's layout, at pinned revisions; run it again to resume."""
    from xtransfer.data.mirror import mirror as make

    needs = _asked(study, benchmark, small, settings)
    if needs is None:
        raise RequestError("name what to mirror: --study STUDY, --benchmark NAME, or both")
    demand_parent("--to", to)
    console = Console(stderr=as_json)
    with _bar(console, lines=True) as told:
        done = make(needs, to, told)
    if as_json:
        print_json({"folder": to, **asdict(done)})
        return
    for note in done.notes:
        console.print(f"not in the mirror: {note}", highlight=False, markup=False, soft_wrap=True)
    if not done.made and not done.kept:
        console.print("nothing to mirror: everything is generated or a local folder")
        return
    counts = f"{counted(len(done.made), 'file')} added, {len(done.kept)} kept, {done.bytes / 1e6:.1f} MB"
    again = f"xtransfer data check{_same(study, benchmark, small, settings)}"
    console.print(
        f"{to}: {counts}, all verified\non the other machine: XTRANSFER_HUB_DIR={to.expanduser().absolute()} {again}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _asked(study: str | None, names: list[str] | None, small: bool, settings: list[str] | None) -> Needs | None:
    """The data that the options name; None if they name nothing."""
    from xtransfer.planning import needs

    if study is None and (small or settings):
        raise RequestError("--small and --set apply to a study: name one with --study")
    parts = [needs.of_study(chosen(study, small, settings))] if study is not None else []
    parts += [needs.of_benchmarks(names)] if names else []
    return sum(parts[1:], parts[0]) if parts else None


def _same(study: str | None, names: list[str] | None, small: bool, settings: list[str] | None) -> str:
    """The same options, to name the same data in another command."""
    options = [f" --study {study}"] if study is not None else []
    options += [" --small"] if small else []
    options += [f" --set '{text}'" for text in settings or ()]
    return "".join([*options, *(f" --benchmark {name}" for name in names or ())])


def _show(found: Sequence[Finding], needs: Needs, remarks: Iterable[Remark]) -> None:
    console = Console()
    headings = ("what", "split", "languages", "from", "rows", "state")
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for one in found:
        groups.setdefault((one.what, one.name, one.split, one.origin, one.state), []).append(one)
    if console.is_terminal:
        table = Table(*headings)
        for line in map(_line, groups.values()):
            table.add_row(*line, style="" if line[-1] == "ok" else "red")
        console.print(table)
    else:
        emit("\t".join(("what", "split", "language", "from", "rows", "state")))
        for one in found:
            rows = "" if one.rows is None else str(one.rows)
            emit("\t".join((one.name, one.split, one.language, one.origin, rows, one.state)))
    for target, languages in needs.lacking.items():
        console.print(f"{target} has no {', '.join(languages)}: the study runs without them", highlight=False)
    for group in groups.values():
        first, others = group[0], [one.language for one in group[1:]]
        if not first.ok:
            place = " ".join(part for part in (first.name, first.split, first.language) if part)
            more = f" (also {' '.join(others)})" if others else ""
            console.print(f"{first.state}: {place}{more}: {first.note}", highlight=False, markup=False, soft_wrap=True)
    for remark in remarks:
        text = f"note: {remark.benchmark} {remark.split}: {remark.text}"
        console.print(text, highlight=False, markup=False, soft_wrap=True)
    bad = sum(not one.ok for one in found)
    console.print(f"{len(found) - bad} of {len(found)} can be used", highlight=False)


def _line(group: list[Finding]) -> tuple[str, ...]:
    first, counts = group[0], [one.rows for one in group]
    languages = [one.language for one in group if one.language]
    several = " ".join(languages) if len(languages) <= _FEW else f"{len(languages)} languages"
    rows = "" if None in counts else f"{sum(count or 0 for count in counts):,}"
    return (first.name, first.split, several, first.origin, rows, first.state)


@contextmanager
def _bar(console: Console, lines: bool = False) -> Iterator[Told]:
    """A progress callback: a bar in a terminal; in a pipe nothing, or with `lines` a line for each piece."""
    columns = BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)

        def told(message: str, done: int, total: int, metrics: object = None) -> None:
            progress.update(task, description=message, completed=done, total=max(1, total))
            if lines and not console.is_terminal:
                console.print(f"{done}/{total} {message}", highlight=False, markup=False, soft_wrap=True)

        yield told
