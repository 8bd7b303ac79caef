"""`xtransfer report`: writes the page, plots and tables of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.common import demand_parent
from flows.terminal import echo


def command(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Name of a study that was run.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
) -> None:
    """Write the report: one HTML page, plots as PNG, PDF and SVG, tables as CSV and LaTeX, a methods text."""
    demand_parent("--out", out)
    echo(str(write(study, out)))


def write(study: str, folder: Path) -> Path:
    """Write the report of a recorded study to `folder`; returns its page."""
    from xtransfer.base.settings import current
    from xtransfer.report.page import write_report
    from xtransfer.results.database import open_database
    from xtransfer.store.artifacts import ArtifactStore

    places = current()
    with open_database(places.database_url, read_only=True) as database:
        return write_report(study, database, ArtifactStore(places.store), folder)
