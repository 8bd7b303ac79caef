"""`xtransfer store`: the artifacts."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from flows.commands.common import AsJson, print_json
from xtransfer.errors import StoreError
from xtransfer.store.artifacts import ArtifactStore

app = typer.Typer(help="The artifacts: ls, verify, gc.", no_args_is_help=True)


@app.command("ls")
def ls(as_json: AsJson = False) -> None:
    """Every artifact: what made it, when, its size."""
    store = _store()
    found = [artifact for key in store.keys() if (artifact := store.find(key))]  # noqa: SIM118 - a method, no mapping
    found.sort(key=lambda artifact: artifact.manifest.started)
    if as_json:
        print_json([artifact.manifest.model_dump(mode="json") for artifact in found])
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("key", "stage", "made", "seconds", "MB"):
        table.add_column(heading, justify="right" if heading in ("seconds", "MB") else "left")
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


@app.command("verify")
def verify() -> None:
    """Read every artifact and compare digests; exit status 1 if one is damaged."""
    store = _store()
    damaged, whole = [], 0
    for key in store.keys():  # noqa: SIM118
        if wrong := store.verify(key):
            damaged.append(f"{key}: {'; '.join(wrong)}")
        else:
            whole += 1
    typer.echo(f"{whole} artifacts are whole, {len(damaged)} damaged")
    if damaged:
        damaged.append("remove them with `xtransfer store gc --damaged`, then run the study again")
        raise StoreError("\n".join(damaged))


@app.command("gc")
def gc(
    damaged: Annotated[bool, typer.Option("--damaged", help="Remove damaged artifacts too.")] = False,
    cache_days: Annotated[
        float, typer.Option("--cache-days", min=0, help="Remove encoded rows that nothing has read for so many days.")
    ] = 30.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Remove artifacts that no recorded study or score refers to, what killed stages left, and old encoded rows."""
    from xtransfer.data import kept as encoded
    from xtransfer.results.database import open_database
    from xtransfer.results.read import referred_artifacts
    from xtransfer.settings import current

    store = _store()
    with open_database(current().database_url, read_only=True) as database:
        kept = referred_artifacts(database)
    doomed = [key for key in store.keys() if key not in kept or (damaged and store.verify(key))]  # noqa: SIM118
    doomed += [key for key in store.unfinished() if key not in doomed]
    stale = encoded.unused(cache_days)
    if dry_run:
        typer.echo(f"would remove {len(doomed)} artifacts and unfinished stages, {len(stale)} files of encoded rows")
        return
    freed = [size for key in doomed if (size := store.remove(key)) is not None]
    typer.echo(f"removed {len(freed)} artifacts and unfinished stages, {sum(freed) / 1e6:.1f} MB")
    typer.echo(f"removed {len(stale)} files of encoded rows, {sum(map(encoded.remove, stale)) / 1e6:.1f} MB")


def _store() -> ArtifactStore:
    from xtransfer.settings import current

    return ArtifactStore(current().store)
