"""`xtransfer report`: the page, plots and tables of a study that was run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Name of a study that was run.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
) -> None:
    """One HTML page, plots as PNG and SVG, tables as CSV and LaTeX, a methods text."""
    from xtransfer.report.page import write_report
    from xtransfer.results.database import open_database
    from xtransfer.settings import current
    from xtransfer.store.artifacts import ArtifactStore

    settings = current()
    with open_database(settings.database_url, read_only=True) as database:
        page = write_report(study, database, ArtifactStore(settings.store), out)
    typer.echo(str(page))
