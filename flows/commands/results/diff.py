"""`xtransfer results diff`: why two runs, or two studies, differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.common import print_json
from flows.commands.results.show import (
    AsFormat,
    Caption,
    Format,
    Label,
    Printing,
    beside,
    intervals,
    points,
    readable,
    remark,
    show,
    signed,
)

if TYPE_CHECKING:
    import pandas as pd

_WHAT = "a study, the first characters of a cell (see `results runs`), or STUDY/ENCODER/INTERMEDIATE/TARGET/SEED"


def command(
    a: Annotated[str, typer.Argument(help=f"The first: {_WHAT}.")],
    b: Annotated[str, typer.Argument(help="The second, of the same sort.")],
    fmt: AsFormat = Format.table,
    caption: Caption = None,
    label: Label = None,
) -> None:
    """What differs in how two runs or studies were made, in words and as a list; then their scores, A minus B."""
    import pandas as pd

    from xtransfer.analysis.results import open_results

    printing = Printing(fmt, caption, label)
    with open_results() as results:
        found = results.diff(a, b)
    if printing.fmt is Format.json:
        print_json(found.as_dict())
        return
    for sentence in found.words:
        remark(sentence, printing)
    if printing.fmt in (Format.table, Format.markdown) and found.differences:
        typer.echo()
        listed = pd.DataFrame([(one.category, one.where, one.name, one.a, one.b) for one in found.differences],
                              columns=["differs in", "stage", "field", "A", "B"])  # fmt: skip
        show(listed, printing, people=listed.loc[:, (listed != "").any()])
        typer.echo()
    if found.scores.empty and printing.fmt is not Format.csv:
        return  # the words say why
    show(found.scores, printing, people=_people(found.scores), apart=[])


def _people(scores: pd.DataFrame) -> pd.DataFrame:
    from xtransfer.analysis.diff import PLACE

    of_studies = len(scores[PLACE].drop_duplicates()) > 1
    people = readable(scores[[*(PLACE if of_studies else []), "language", "metric"]])
    return beside(
        people,
        {
            "A": scores["value_a"].map(points),
            "B": scores["value_b"].map(points),
            "A - B": scores["difference"].map(signed),
            "95% interval": intervals(scores),
            "runs": scores["runs"].map(str),
        },
    )
