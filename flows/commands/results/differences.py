"""`xtransfer results diff` and `compare`: why two runs differ; our scores beside published ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.common import print_json
from flows.commands.results.ask import (
    AnyStudy,
    Asked,
    Encoders,
    Format,
    Intermediates,
    Languages,
    Seeds,
    Several,
    readable,
    say,
)
from flows.terminal import echo
from xtransfer.analysis.statistic import INTERVAL, Column, column, named, points, signed, table, text

if TYPE_CHECKING:
    import pandas as pd

_WHAT = "a study, the first characters of a cell (see `results runs`), or STUDY/ENCODER/INTERMEDIATE/TARGET/SEED"
_OURS = ("study", "encoder", "intermediate")

PaperName = Annotated[str, typer.Option("--paper", help="Paper, for example xtreme_r; an unknown name lists all.")]
Models = Annotated[Several, typer.Option("--model", help="Only this model of the paper. Repeatable.")]
Benchmarks = Annotated[Several, typer.Option("--benchmark", help="Only this benchmark. Repeatable.")]
EachLanguage = Annotated[bool, typer.Option("--each-language", help="Also each language, if published.")]


def diff(
    asked: Asked,
    a: Annotated[str, typer.Argument(metavar="A", help=f"The first: {_WHAT}.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The second, in the same form.")],
) -> None:
    """Show what differs in how two runs or studies were made, then their scores, A minus B."""
    import pandas as pd

    found = asked.results.diff(a, b)
    if asked.fmt is Format.json:
        print_json(found.as_dict())
        return
    for sentence in found.words:
        asked.remark(sentence)
    if asked.is_read and found.differences:
        echo()
        listed = pd.DataFrame([(one.category, one.where, one.name, one.a, one.b) for one in found.differences],
                              columns=["differs in", "stage", "field", "A", "B"])  # fmt: skip
        asked.show(listed, listed.loc[:, (listed != "").any()])
        echo()
    if found.scores.empty and asked.fmt is not Format.csv:
        return  # the words say why
    asked.show(found.scores, _of_scores(found.scores))


def _of_scores(scores: pd.DataFrame) -> pd.DataFrame:
    from xtransfer.analysis.diff import PLACE

    of_studies = len(scores[PLACE].drop_duplicates()) > 1
    columns = [
        *named(*(PLACE if of_studies else []), "language", "metric"),
        column("A", "value_a", points),
        column("B", "value_b", points),
        column("A - B", "difference", signed),
        INTERVAL,
        *named("runs"),
    ]
    return table(scores, columns)


def compare(
    asked: Asked,
    paper: PaperName,
    study: AnyStudy = None,
    model: Models = None,
    benchmark: Benchmarks = None,
    language: Languages = None,
    each_language: EachLanguage = False,
    encoder: Encoders = None,
    intermediate: Intermediates = None,
    seed: Seeds = None,
) -> None:
    """Show a paper's figures beside ours, the difference (ours - theirs), and the differences of protocol.

    Where a comparison would be wrong, the reason is given instead.
    """
    frame = asked.results.compare(paper, study, model=model, benchmark=benchmark, language=language,
                                  each_language=each_language, encoder=encoder, intermediate=intermediate,
                                  seed=seed)  # fmt: skip
    remarks = [list(filter(None, [why, *told])) for why, told in zip(frame["why"], frame["protocol"], strict=True)]
    every = [one for one in (remarks[0] if len(remarks) > 1 else []) if all(one in several for several in remarks)]
    own = [[one for one in several if one not in every] for several in remarks]
    numbers = {one: number for number, one in enumerate(dict.fromkeys(one for several in own for one in several), 1)}
    for line in _heading(frame) if asked.is_read else []:
        asked.remark(line)
    full = frame.assign(protocol=frame["protocol"].map("; ".join)) if asked.fmt is Format.csv else frame
    notes = [" ".join(str(numbers[one]) for one in several) for several in own]
    asked.show(full, _beside(frame).assign(notes=notes), ["paper", "model", "setting"])
    listed = [f"{number}. {one}" for one, number in numbers.items()]
    after = [*(f"Of every row: {one}" for one in every), *([""] if listed else []), *listed]
    for line in after if asked.is_read else []:
        asked.remark(line)
    if not frame.empty and frame["ours"].isna().all():
        say("nothing in the database is comparable with these figures; see the notes")


def _heading(frame: pd.DataFrame) -> list[str]:
    """The papers' titles, and our study, encoder and intermediate if there is only one."""
    from xtransfer.results.published import papers

    lines = [f"{slug}: {papers()[slug].title}" for slug in frame["paper"].unique()]
    ours = [f"{name} {values[0]}" for name in _OURS if len(values := _distinct(frame, name)) == 1]
    return [*lines, *([f"ours: {', '.join(ours)}"] if ours else []), ""]


def _distinct(frame: pd.DataFrame, name: str) -> list[str]:
    return [value for value in readable(frame[[name]])[name].unique() if value]


def _beside(frame: pd.DataFrame) -> pd.DataFrame:
    columns = [
        *named("paper", "model", "setting", "benchmark", "language", "metric"),
        *named(*(name for name in _OURS if len(_distinct(frame, name)) > 1)),
        Column("target", lambda row: "" if row["target"] == row["benchmark"] else text(row["target"])),
        column("theirs", "theirs", points),
        column("ours", "ours", points),
        column("difference", "difference", signed),
        column("seeds", "n_seeds", lambda count: str(count) if count else ""),
    ]
    return table(frame, columns)
