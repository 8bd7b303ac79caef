"""`xtransfer export`: writes predictions in the layout of a leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.common import AsJson, demand_parent, print_json
from flows.commands.results.ask import Encoders, Intermediates, Seeds, Targets
from flows.terminal import echo


def command(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="Name of a study that was run.")],
    out: Annotated[Path, typer.Option(help="New folder for the files.")],
    layout: Annotated[str, typer.Option(help="xtreme or xtreme-r.")] = "xtreme",
    encoder: Encoders = None,
    intermediate: Intermediates = None,
    target: Targets = None,
    seed: Seeds = None,
    as_json: AsJson = False,
) -> None:
    """Write test predictions for XTREME's public scorer: a folder per encoder, intermediate and seed."""
    from xtransfer.analysis.export import export
    from xtransfer.base.settings import current
    from xtransfer.metrics.aggregate import suite
    from xtransfer.results.database import open_database
    from xtransfer.store.artifacts import ArtifactStore

    chosen = suite(layout)
    demand_parent("--out", out)
    settings = current()
    with open_database(settings.database_url, read_only=True) as database:
        written = export(
            study, database, ArtifactStore(settings.store), chosen, out,
            encoder=encoder, intermediate=intermediate, target=target, seed=seed,
        )  # fmt: skip
    if as_json:
        print_json(
            [
                {
                    "folder": str(out / one.name),
                    "encoder": one.encoder,
                    "intermediate": one.intermediate,
                    "seed": one.seed,
                    "benchmarks": list(one.cells),
                    "not_included": one.not_included,
                }
                for one in written
            ]
        )
        return
    for one in written:
        echo(str(out / one.name))
    for absent in sorted({one.not_included for one in written} - {()}):
        echo(f"not included: {', '.join(absent)}", err=True)
