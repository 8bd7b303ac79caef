"""`xtransfer results`: the questions people ask of the database, one file a question."""

from __future__ import annotations

import typer

from flows.commands import transfer
from flows.commands.results import aggregate, compare, diff, gains, measures, scores, sql, statistics

app = typer.Typer(
    help="Scores, gains, contrasts, totals, runs, what differs, figures of papers, or SQL of your own.",
    no_args_is_help=True,
)
app.command("scores")(scores.scores)
app.command("gains")(gains.gains)
app.command("contrast")(gains.contrast)
app.command("aggregate")(aggregate.command)
app.command("diff")(diff.command)
app.command("compare")(compare.command)
app.command("ranking")(statistics.ranking)
app.command("power")(statistics.power)
app.command("model")(statistics.model)
app.command("measures")(measures.command)
app.command("runs")(scores.runs)
app.command("sql")(sql.command)
transfer.register(app)
