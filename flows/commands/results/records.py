"""`xtransfer results scores`, `runs`, `measures`, `aggregate` and `sql`: the records of the database."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.results.ask import (
    AnyStudy,
    Asked,
    Encoders,
    Format,
    Intermediates,
    Languages,
    Metrics,
    Seeds,
    Targets,
    say,
)
from xtransfer.analysis.statistic import Column, chances, column, named, number, points, table, text

_KEY = 8  # characters of a key shown: enough for `results diff`


def scores(
    asked: Asked,
    study: AnyStudy = None,
    encoder: Encoders = None,
    intermediate: Intermediates = None,
    target: Targets = None,
    language: Languages = None,
    metric: Metrics = None,
    seed: Seeds = None,
) -> None:
    """List every score, in points: cell × language × split × metric."""
    frame = asked.results.scores(study, encoder=encoder, intermediate=intermediate, target=target, language=language,
                                 metric=metric, seed=seed)  # fmt: skip
    columns = [
        *named("study", "encoder", "intermediate", "target", "seed", "language", "split", "metric"),
        column("score", "value", points),
        column("items", "n", str),
        column("chance", "chance", chances),
        *(named("status") if (frame["status"] != "done").any() else ()),
    ]
    asked.show(frame, table(frame, columns), ["target", "encoder"])


def studies(asked: Asked) -> None:
    """List the recorded studies: their cells, those with usable scores (done), and their scores."""
    from xtransfer.results.read import study_counts

    frame = study_counts(asked.results.db)
    asked.show(frame, table(frame, named(*map(str, frame.columns))))


def runs(
    asked: Asked,
    study: AnyStudy = None,
    encoder: Encoders = None,
    intermediate: Intermediates = None,
    target: Targets = None,
    seed: Seeds = None,
) -> None:
    """List how every cell ended, where, and the seconds of its stages. `results diff` takes the `cell`."""
    frame = asked.results.runs(study, encoder=encoder, intermediate=intermediate, target=target, seed=seed)
    columns = [
        column("cell", "cell", lambda key: text(key)[:_KEY]),
        *named("study", "encoder", "intermediate", "target", "seed", "status", "host", "device"),
        column("seconds", "seconds", points),
    ]
    asked.show(frame, table(frame, columns))
    if asked.fmt is Format.table:
        for reason, part in frame[frame["reason"] != ""].groupby("reason", sort=False):
            say(f"{', '.join(dict.fromkeys(part['cell'].str[:_KEY]))}: {reason}")


def measures(
    asked: Asked,
    study: AnyStudy = None,
    encoder: Encoders = None,
    intermediate: Intermediates = None,
    target: Targets = None,
    language: Languages = None,
    seed: Seeds = None,
) -> None:
    """List eigen-similarities of embedding spaces, per cell and language; lower is more similar."""
    frame = asked.results.measures(study, encoder=encoder, intermediate=intermediate, target=target, language=language,
                                   seed=seed)  # fmt: skip
    columns = [
        *named("study", "encoder", "intermediate", "target", "seed", "language", "measure"),
        column("value", "value", "{:.3f}".format),
    ]
    asked.show(frame, table(frame, columns), ["target", "measure"])


def aggregate(
    asked: Asked,
    study: AnyStudy = None,
    version: Annotated[str, typer.Option("--version", help="xtreme or xtreme-r.")] = "xtreme",
    encoder: Encoders = None,
    intermediate: Intermediates = None,
    target: Targets = None,
    seed: Seeds = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Also means over the scores that are there, marked as partial.")
    ] = False,
    each_seed: Annotated[bool, typer.Option("--each-seed", help="A row per seed instead of their mean.")] = False,
) -> None:
    """Show scores of XTREME's benchmarks, groups and total, or what is missing; mean and spread over seeds."""
    frame = asked.results.aggregate(version, study, partial=partial, each_seed=each_seed, encoder=encoder,
                                    intermediate=intermediate, target=target, seed=seed)  # fmt: skip
    columns = [
        *named("study", "encoder", "intermediate", *(["seed"] if each_seed else []), "name"),
        Column("score", lambda row: points(row["value"]) + " (partial)" * bool(row["partial"])),
        column("sd", "spread", points),
        column("seeds", "n_seeds", str),
        column("missing", "missing", str),
    ]
    asked.show(frame, table(frame, columns), ["study", "encoder"])


def sql(
    asked: Asked,
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help='One SELECT, for example "SELECT * FROM gains LIMIT 5".')
    ],
    rows: Annotated[int, typer.Option(min=1, max=1_000_000, help="Maximum number of rows.")] = 10_000,
    seconds: Annotated[float, typer.Option(min=0.1, max=3600, help="Time limit of the query.")] = 30.0,
) -> None:
    """Print the rows of a query; the database is opened read-only."""
    frame = asked.results.sql(query, max_rows=rows, seconds=seconds)
    asked.show(frame, table(frame, [column(str(name), str(name), number) for name in frame.columns]))
    if frame.attrs["truncated"]:
        say(f"cut after {rows} rows; --rows allows more")
