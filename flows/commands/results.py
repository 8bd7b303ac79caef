"""`xtransfer results`: the questions people ask of the database."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from xtransfer.store.artifacts import ArtifactStore

app = typer.Typer(help="Scores, gains, contrasts, totals, runs, or SQL of your own.", no_args_is_help=True)


_NARROWEST = 11  # characters that a column of text keeps in a narrow terminal


class Format(StrEnum):
    """How a table is printed."""

    table = "table"
    csv = "csv"
    json = "json"
    latex = "latex"
    markdown = "markdown"


StudyOption = Annotated[str | None, typer.Option("--study", help="Name of a study that was run; all where left out.")]
OneStudy = Annotated[str, typer.Option("--study", help="Name of a study that was run.")]
Encoders = Annotated[list[str] | None, typer.Option("--encoder", help="Only this encoder. Repeatable.")]
Intermediates = Annotated[list[str] | None, typer.Option("--intermediate", help="Only this one. Repeatable.")]
Targets = Annotated[list[str] | None, typer.Option("--target", help="Only this target. Repeatable.")]
Languages = Annotated[list[str] | None, typer.Option("--language", help="Only this language. Repeatable.")]
Seeds = Annotated[list[int] | None, typer.Option("--seed", help="Only this training seed. Repeatable.")]
AsFormat = Annotated[Format, typer.Option("--format", help="How to print it.")]


@app.command("scores")
def scores(
    study: StudyOption = None,
    encoder: Encoders = None,
    intermediate: Intermediates = None,
    target: Targets = None,
    language: Languages = None,
    seed: Seeds = None,
    fmt: AsFormat = Format.table,
) -> None:
    """Every score, in points: cell × language × split × metric."""
    from xtransfer.results.read import open_results

    chosen = {"encoder": encoder, "intermediate": intermediate, "target": target, "language": language, "seed": seed}
    with open_results() as results:
        show(results.scores(study, **_given(chosen)), fmt)


@app.command("gains")
def gains(
    study: OneStudy,
    encoder: Encoders = None,
    intermediate: Intermediates = None,
    target: Targets = None,
    language: Languages = None,
    fmt: AsFormat = Format.table,
) -> None:
    """Gain of each intermediate over `direct` per language, with its 95% interval over seeds and items."""
    from xtransfer.analysis.gains import gains as of_cells
    from xtransfer.analysis.points import study_points
    from xtransfer.results.read import open_results

    with open_results() as results:
        frame = of_cells(study_points(results.db, study), _store())
    show(_filtered(frame, encoder=encoder, intermediate=intermediate, target=target, language=language), fmt)


@app.command("contrast")
def contrast(
    study: OneStudy,
    first: Annotated[str, typer.Argument(help="An intermediate, such as lab-nli@de.")],
    second: Annotated[str, typer.Argument(help="The intermediate that it is compared with, such as lab-nli@en.")],
    target: Targets = None,
    language: Languages = None,
    fmt: AsFormat = Format.table,
) -> None:
    """First minus second per language, with its 95% interval over seeds and items."""
    from xtransfer.analysis.gains import contrasts as of_cells
    from xtransfer.analysis.points import study_points
    from xtransfer.errors import unknown
    from xtransfer.results.read import open_results

    with open_results() as results:
        points = study_points(results.db, study)
    known = {point.intermediate for point in points}
    for name in (first, second):
        if name not in known:
            raise unknown("intermediate", name, known)
    frame = of_cells([point for point in points if point.intermediate in (first, second)], _store())
    show(_filtered(oriented(frame, first), target=target, language=language), fmt)


def oriented(frame: pd.DataFrame, first: str) -> pd.DataFrame:
    """Contrasts with `first` in the first place in every row: a row the other way round changes its sign."""
    turned = frame.rename(
        columns={"first": "second", "second": "first", "value": "second_value", "second_value": "value"}
    )[list(frame.columns)]
    turned["difference"] = -frame["difference"]
    turned["low"], turned["high"] = -frame["high"], -frame["low"]
    return frame.where(frame["first"] == first, turned)


@app.command("aggregate")
def aggregate(
    study: StudyOption = None,
    version: Annotated[str, typer.Option("--version", help="xtreme or xtreme-r.")] = "xtreme",
    encoder: Encoders = None,
    intermediate: Intermediates = None,
    target: Targets = None,
    seed: Seeds = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Also means over what is there only; they are marked.")
    ] = False,
    each_seed: Annotated[bool, typer.Option("--each-seed", help="A row per seed instead of their mean.")] = False,
    fmt: AsFormat = Format.table,
) -> None:
    """Scores of XTREME's benchmarks and groups and the total, or what is missing; mean and spread over seeds."""
    from xtransfer.analysis.totals import totals
    from xtransfer.results.read import open_results
    from xtransfer.scoring.aggregate import suite

    chosen = _given({"encoder": encoder, "intermediate": intermediate, "target": target, "seed": seed})
    with open_results() as results:
        show(totals(results, suite(version), study, partial=partial, each_seed=each_seed, **chosen), fmt)


@app.command("runs")
def runs(study: StudyOption = None, fmt: AsFormat = Format.table) -> None:
    """How every cell ended, where, and the seconds of its stages."""
    from xtransfer.results.read import open_results

    with open_results() as results:
        show(results.runs(study), fmt)


@app.command("sql")
def sql(
    query: Annotated[str, typer.Argument(help='One SELECT, for example "SELECT * FROM gains LIMIT 5".')],
    rows: Annotated[int, typer.Option(min=1, max=1_000_000, help="Most rows to print.")] = 10_000,
    seconds: Annotated[float, typer.Option(min=0.1, max=3600, help="Longest time that the query may take.")] = 30.0,
    fmt: AsFormat = Format.table,
) -> None:
    """The rows of a query; the database is opened for reading only."""
    from xtransfer.results.read import open_results

    with open_results() as results:
        frame = results.sql(query, max_rows=rows, seconds=seconds)
    show(frame, fmt)
    if frame.attrs["truncated"]:
        Console(stderr=True).print(f"more than {rows} rows; the rest was left out (--rows)")


def show(frame: pd.DataFrame, fmt: Format) -> None:
    """Print a data frame."""
    if fmt is Format.csv:
        typer.echo(frame.to_csv(index=False), nl=False)
    elif fmt is Format.json:
        typer.echo(frame.to_json(orient="records", indent=1, force_ascii=False))
    elif fmt is Format.latex:
        typer.echo(frame.to_latex(index=False, float_format="%.1f", escape=True), nl=False)
    elif fmt is Format.markdown:
        typer.echo(_markdown(frame))
    else:
        _print_table(frame, Console())


def _print_table(frame: pd.DataFrame, console: Console) -> None:
    """A column that says the same in every row stands once above the table, so that the others have room."""
    same = [name for name in frame.columns if len(frame) > 1 and frame[name].map(_cell).nunique() == 1]
    said = [f"{name} {_cell(frame[name].iloc[0])}" for name in same if _cell(frame[name].iloc[0])]
    if said:
        console.print(f"[dim]in every row: {', '.join(said)}[/dim]", highlight=False)
    table = Table(box=None, pad_edge=False)
    for name in frame.columns.difference(same, sort=False):
        numeric = pd.api.types.is_numeric_dtype(frame[name])
        longest = max((len(_cell(value)) for value in frame[name]), default=0)
        table.add_column(
            str(name),
            justify="right" if numeric else "left",
            overflow="fold",
            no_wrap=numeric,
            min_width=min(_NARROWEST, longest),
        )
    for row in frame.drop(columns=same).itertuples(index=False):
        table.add_row(*(_cell(value) for value in row))
    console.print(table)


def _markdown(frame: pd.DataFrame) -> str:
    lines = [list(map(str, frame.columns)), ["---"] * len(frame.columns)]
    lines += [[_cell(value).replace("|", r"\|") for value in row] for row in frame.itertuples(index=False)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: object) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _given(filters: dict[str, list[str] | list[int] | None]) -> dict[str, list[str] | list[int]]:
    return {name: values for name, values in filters.items() if values}


def _filtered(frame: pd.DataFrame, **filters: list[str] | None) -> pd.DataFrame:
    from xtransfer.errors import unknown

    for name, values in filters.items():
        for value in values or ():
            if value not in set(frame[name]):
                raise unknown(name, value, set(frame[name]))
        if values:
            frame = frame[frame[name].isin(values)]
    return frame


def _store() -> ArtifactStore:
    from xtransfer.settings import current

    return ArtifactStore(current().store)
