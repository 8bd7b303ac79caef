"""`xtransfer results`: queries of the results database."""

from __future__ import annotations

import typer

from flows.commands import transfer
from flows.commands.results import differences, records, statistics
from flows.commands.results.ask import command
from xtransfer.analysis import statistics as registry


def make_app() -> typer.Typer:
    """The commands, including one for each statistic of the registry."""
    made = typer.Typer(
        help="Scores, gains, contrasts, totals, runs, differences, published figures, or your own SQL.",
        no_args_is_help=True,
    )
    made.command("scores")(command(records.scores))
    for one in registry.STATISTICS:
        if one is registry.CONTRASTS:
            made.command("contrast")(command(statistics.contrast))  # its arguments name the two
        else:
            made.command(one.name)(statistics.of(one))
    made.command("aggregate")(command(records.aggregate))
    made.command("diff")(command(differences.diff))
    made.command("compare")(command(differences.compare))
    made.command("measures")(command(records.measures))
    made.command("runs")(command(records.runs))
    made.command("studies")(command(records.studies))
    made.command("sql")(command(records.sql))
    transfer.register(made)
    return made


app = make_app()
