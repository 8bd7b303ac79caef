"""`xtransfer store`: lists, verifies and cleans up artifacts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.common import AsJson, print_json
from flows.terminal import Console, Table, echo
from xtransfer.base.errors import RequestError, StoreError

if TYPE_CHECKING:
    from xtransfer.results.unused import Unused
    from xtransfer.store.artifacts import ArtifactStore

app = typer.Typer(help="The artifacts: ls, du, verify, gc.", no_args_is_help=True)


@app.command("ls")
def ls(as_json: AsJson = False) -> None:
    """List every artifact: the stage that made it, when, its size."""
    store = _store()
    found = [artifact for key in store.keys() if (artifact := store.find(key))]  # noqa: SIM118 - not a mapping
    found.sort(key=lambda artifact: artifact.manifest.started)
    if as_json:
        print_json([artifact.manifest.model_dump(mode="json") for artifact in found])
        return
    table = Table("key", "stage", "made", "seconds", "MB", right=("seconds", "MB"))
    for artifact in found:
        manifest = artifact.manifest
        size = sum(file.size for file in manifest.files.values()) / 1e6
        table.add_row(
            manifest.key[:12],
            manifest.name,
            f"{manifest.started:%Y-%m-%d %H:%M}",
            f"{manifest.seconds:.1f}",
            f"{size:.1f}",
        )
    Console().print(table)


@app.command("du")
def du(as_json: AsJson = False) -> None:
    """Show how much disk each study and each kind of stage uses.

    Studies can share artifacts, so their sizes can add up to more than the total. "its own" is what no other study
    needs: what `results forget STUDY` and then `store gc` free.
    """
    from dataclasses import asdict

    from xtransfer.base.settings import current
    from xtransfer.results.database import open_database
    from xtransfer.results.usage import usage

    with open_database(current().database_url, read_only=True) as db:
        studies, kinds = usage(_store(), [db])
    if as_json:
        print_json({"studies": [asdict(one) for one in studies], "kinds": [asdict(one) for one in kinds]})
        return
    for title, found, last in (("study", studies, "its own"), ("stages", kinds, "")):
        numeric = ("artifacts", "MB", *([last] if last else []))
        table = Table(title, *numeric, right=numeric)
        for one in found:
            numbers = (one.size, one.own) if last else (one.size,)
            table.add_row(one.name, str(one.artifacts), *(f"{size / 1e6:,.1f}" for size in numbers))
        Console().print(table)
        echo("")
    echo(f"total: {sum(one.artifacts for one in kinds)} artifacts, {sum(one.size for one in kinds) / 1e6:,.1f} MB")


@app.command("verify")
def verify() -> None:
    """Read every artifact and compare key, digests and files with its manifest; exit status 1 if one is damaged."""
    store = _store()
    damaged, whole = [], 0
    for key in store.keys():  # noqa: SIM118
        if wrong := store.verify(key):
            damaged.append(f"{key}: {'; '.join(wrong)}")
        else:
            whole += 1
    echo(f"{whole} artifacts are whole, {len(damaged)} damaged")
    if damaged:
        damaged.append("remove them with `xtransfer store gc --damaged`, then run the study again")
        raise StoreError("\n".join(damaged))


@app.command("gc")
def gc(
    min_age: Annotated[
        float, typer.Option("--min-age", metavar="DAYS", min=0, help="Keep artifacts made or used in the last DAYS.")
    ] = 7.0,
    damaged: Annotated[bool, typer.Option("--damaged", help="Remove damaged artifacts too.")] = False,
    cache_days: Annotated[
        float, typer.Option("--cache-days", min=0, help="Remove encoded rows unused for this many days.")
    ] = 30.0,
    also: Annotated[
        list[str] | None,
        typer.Option("--also", metavar="DATABASE", help="Another database that uses the store. Repeatable."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
) -> None:
    """Remove artifacts that no recorded study or score needs, leftovers of killed stages, and old encoded rows.

    Lists them and asks first. Keeps what a process is making and what a study has planned.
    """
    from xtransfer.base import disk_cache as encoded
    from xtransfer.base.settings import current
    from xtransfer.results.database import open_database
    from xtransfer.results.unused import clear, unused
    from xtransfer.results.users import demand_all_users

    if not (yes or dry_run or sys.stdin.isatty()):
        raise RequestError("store gc asks before it deletes files, which needs a terminal: "
                           "use --yes to remove without asking, or --dry-run to list")  # fmt: skip
    store = _store()
    with ExitStack() as opened:
        urls = [current().database_url, *map(_database_url, also or ())]
        databases = [opened.enter_context(open_database(url, read_only=True)) for url in urls]
        if next(store.keys(), None) or store.unfinished():
            demand_all_users(store, databases)
        doomed = unused(store, databases, min_age, damaged=damaged)
        stale = encoded.unused(cache_days)
        _list(doomed, len(stale), encoded.size(stale), cache_days)
        if dry_run or not (doomed or stale):
            return
        if not (yes or typer.confirm("remove all of this?")):
            echo("nothing was removed")
            return
        freed: list[int] = []
        try:
            for size in clear(store, databases, doomed, min_age):
                freed.append(size)  # counted, whatever happens to the rest
        finally:
            echo(f"removed {_count(freed, 'artifacts and unfinished stages')}")
    echo(f"removed {_count([encoded.remove(file) for file in stale], 'files of encoded rows')}")


def _list(doomed: Sequence[Unused], files: int, size: int, days: float) -> None:
    """Print what would be removed, and the total."""
    if doomed:
        table = Table("key", "stage", "why", "days old", "MB", right=("days old", "MB"))
        for one in doomed:
            facts = one.content
            name = facts.name or ("unknown" if facts.finished else "unknown, unfinished")
            table.add_row(facts.key[:12], name, one.why, f"{facts.age:.1f}", f"{facts.size / 1e6:.1f}")
        Console().print(table)
    echo(f"to remove: {_count([one.content.size for one in doomed], 'artifacts and unfinished stages')}")
    echo(f"to remove: {files} files of encoded rows unused for {days:g} days, {size / 1e6:.1f} MB")


def _count(sizes: Sequence[int], what: str) -> str:
    return f"{len(sizes)} {what}, {sum(sizes) / 1e6:.1f} MB"


def _database_url(text: str) -> str:
    """The URL of a database given as a URL, its file, or its home."""
    if "://" in text:
        return text
    from xtransfer.base.settings import absolute

    file = absolute(text, "--also")
    file = file / "results.db" if file.is_dir() else file
    if not file.is_file():
        raise RequestError(f"--also {text}: no file {file}; name a database, or the home that it is in")
    return f"sqlite:///{file}"


def _store() -> ArtifactStore:
    from xtransfer.base.settings import current
    from xtransfer.store.artifacts import ArtifactStore

    return ArtifactStore(current().store)
