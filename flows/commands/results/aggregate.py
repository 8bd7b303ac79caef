"""`xtransfer results aggregate`: the totals of XTREME and XTREME-R."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.results.options import AnyStudy, Encoders, Intermediates, Seeds, Targets
from flows.commands.results.show import AsFormat, Caption, Format, Label, Printing, points, readable, show


def command(
    study: AnyStudy = None,
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
    caption: Caption = None,
    label: Label = None,
) -> None:
    """Scores of XTREME's benchmarks and groups and the total, or what is missing; mean and spread over seeds."""
    from xtransfer.analysis.results import open_results

    printing = Printing(fmt, caption, label)
    with open_results() as results:
        frame = results.aggregate(version, study, partial=partial, each_seed=each_seed,
                          encoder=encoder, intermediate=intermediate, target=target, seed=seed)  # fmt: skip
    names = ["study", "encoder", "intermediate", *(["seed"] if each_seed else []), "name"]
    people = readable(frame[names]).assign(
        score=frame["value"].map(points) + frame["partial"].map({True: " (partial)", False: ""}),
        sd=frame["spread"].map(points),
        seeds=frame["n_seeds"].map(str),
        missing=frame["missing"],
    )
    show(frame, printing, people=people, apart=["study", "encoder"])
