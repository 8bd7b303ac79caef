"""`xtransfer results compare`: our scores beside published ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.results.options import AnyStudy, Encoders, Intermediates, Languages, Seeds, Several
from flows.commands.results.show import (
    AsFormat,
    Caption,
    Format,
    Label,
    Printing,
    points,
    readable,
    remark,
    say,
    show,
    signed,
)

if TYPE_CHECKING:
    import pandas as pd

PaperName = Annotated[str, typer.Option("--paper", help="Whose figures, for example xtreme_r; a wrong one lists all.")]
Models = Annotated[Several, typer.Option("--model", help="Only this model of the paper. Repeatable.")]
Benchmarks = Annotated[Several, typer.Option("--benchmark", help="Only this benchmark. Repeatable.")]
EachLanguage = Annotated[bool, typer.Option("--each-language", help="Languages too, where they are published.")]

_OURS = ("study", "encoder", "intermediate")


def command(
    paper: PaperName,
    study: AnyStudy = None,
    model: Models = None,
    benchmark: Benchmarks = None,
    language: Languages = None,
    each_language: EachLanguage = False,
    encoder: Encoders = None,
    intermediate: Intermediates = None,
    seed: Seeds = None,
    fmt: AsFormat = Format.table,
    caption: Caption = None,
    label: Label = None,
) -> None:
    """A paper's figures, ours beside them, the difference (ours - theirs), and what the two do not share.

    Where nothing of ours may stand beside a figure, the reason does.
    """
    from xtransfer.analysis.results import open_results

    printing = Printing(fmt, caption, label)
    with open_results() as results:
        frame = results.compare(paper, study, model=model, benchmark=benchmark, language=language,
                                each_language=each_language, encoder=encoder, intermediate=intermediate,
                                seed=seed)  # fmt: skip
    remarks = [list(filter(None, [why, *told])) for why, told in zip(frame["why"], frame["protocol"], strict=True)]
    every = [text for text in (remarks[0] if len(remarks) > 1 else []) if all(text in several for several in remarks)]
    numbers = _numbered([[text for text in several if text not in every] for several in remarks])
    spoken = printing.fmt in (Format.table, Format.markdown)
    for text in _heading(frame) if spoken else []:
        remark(text, printing)
    full = frame.assign(protocol=frame["protocol"].map("; ".join)) if printing.fmt is Format.csv else frame
    show(full, printing, people=_people(frame, remarks, numbers), apart=["paper", "model", "setting"])
    for text in [*(f"Of every row: {text}" for text in every), *_list(numbers)] if spoken else []:
        remark(text, printing)
    if not frame.empty and frame["ours"].isna().all():
        say("nothing in the database can stand beside these figures; the notes say why")


def _heading(frame: pd.DataFrame) -> list[str]:
    """What the papers are, and what ours is where it is one thing."""
    from xtransfer.results.published import papers

    lines = [f"{slug}: {papers()[slug].title}" for slug in frame["paper"].unique()]
    ours = [f"{name} {values[0]}" for name in _OURS if len(values := _distinct(frame, name)) == 1]
    return [*lines, *([f"ours: {', '.join(ours)}"] if ours else []), ""]


def _distinct(frame: pd.DataFrame, name: str) -> list[str]:
    return [text for text in readable(frame[[name]])[name].unique() if text]


def _numbered(remarks: list[list[str]]) -> dict[str, int]:
    """Every remark once, with the number that its rows refer to."""
    listed = dict.fromkeys(text for several in remarks for text in several)
    return {text: number for number, text in enumerate(listed, start=1)}


def _list(numbers: Mapping[str, int]) -> list[str]:
    return ["", *(f"{number}. {text}" for text, number in numbers.items())] if numbers else []


def _people(frame: pd.DataFrame, remarks: list[list[str]], numbers: Mapping[str, int]) -> pd.DataFrame:
    people = readable(frame[["paper", "model", "setting", "benchmark", "language", "metric"]])
    several = [name for name in _OURS if len(_distinct(frame, name)) > 1]
    people[several] = readable(frame[several])
    return people.assign(
        target=frame["target"].where(frame["target"] != frame["benchmark"], ""),
        theirs=frame["theirs"].map(points),
        ours=frame["ours"].map(points),
        difference=frame["difference"].map(signed),
        seeds=frame["n_seeds"].map(lambda count: str(count) if count else ""),
        notes=[" ".join(str(numbers[text]) for text in told if text in numbers) for told in remarks],
    )
