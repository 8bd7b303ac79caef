"""`xtransfer results export`, `import` and `forget`: move results to another database, and remove studies."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.common import AsJson, print_json
from flows.terminal import echo
from xtransfer.base.errors import RequestError

_WHERE = "A .parquet file, which pandas opens, or a .sqlite file."


class Side(StrEnum):
    """Whose numbers to keep where two databases differ."""

    ours = "ours"
    theirs = "theirs"


def register(app: typer.Typer) -> None:
    """Add the commands to `xtransfer results`."""
    app.command("export")(export)
    app.command("import")(bring_in)
    app.command("forget")(forget)


def export(
    to: Annotated[Path, typer.Option("--to", help=_WHERE)],
    study: Annotated[list[str] | None, typer.Option("--study", help="Only this study. Repeatable.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write results and their provenance to one file, without artifacts."""
    from xtransfer.analysis.results import open_results
    from xtransfer.results.moving import export as write

    with open_results() as results:
        done = write(results.db, to, study or None, force=force)
    if as_json:
        print_json({"file": done.file, "rows": done.rows})
        return
    echo(f"{done.file}: {done.rows['score']} scores of {done.rows['cell']} cells, {done.rows['stage']} stages")
    echo("checkpoints and predictions stay in the artifact store; scores name them by key and digest")


def bring_in(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file written by `xtransfer results export`.")],
    prefer: Annotated[Side | None, typer.Option("--prefer", help="Whose numbers to keep where both differ.")] = None,
    as_json: AsJson = False,
) -> None:
    """Merge the results of a file into this database, without duplicates."""
    from xtransfer.base.settings import current
    from xtransfer.results.database import open_database
    from xtransfer.results.moving import bring_in as read

    with open_database(current().prepare().database_url) as database:
        done = read(database, file, prefer.value if prefer else None)
    if as_json:
        print_json({**vars(done), "conflicts": [vars(conflict) for conflict in done.conflicts]})
        return
    echo(
        f"{file}: {done.new} new cells, {done.completed} completed, {done.replaced} replaced, {done.known} "
        f"unchanged; {done.rows['score']} scores written"
    )
    for conflict in done.conflicts:
        echo(f"{conflict}; kept {prefer}")


def forget(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Name of a recorded study.")],
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be removed.")] = False,
) -> None:
    """Remove a study from the database, with cells and scores that no other study has. Artifacts are kept."""
    from xtransfer.base.settings import current
    from xtransfer.results.database import open_database
    from xtransfer.results.forget import forget as remove

    if not (yes or dry_run or sys.stdin.isatty()):
        raise RequestError("results forget asks before it removes scores, which needs a terminal: "
                           "use --yes to remove without asking, or --dry-run to count")  # fmt: skip
    with open_database(current().prepare().database_url) as database:
        found = remove(database, study, dry_run=True)
        stay = f"; {found.shared} cells are kept because other studies have them" if found.shared else ""
        echo(f"{study}: {found.cells} cells with {found.scores} scores{stay}")
        if dry_run:
            return
        if not (yes or typer.confirm("remove them from the database?")):
            echo("nothing was removed")
            return
        remove(database, study)
    echo(f"{study}: removed; `xtransfer store gc` lists artifacts that are no longer needed")
