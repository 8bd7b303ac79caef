"""`xtransfer results scores` and `runs`: what was measured, and how the runs ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.commands.results.options import AnyStudy, Encoders, Intermediates, Languages, Metrics, Seeds, Targets
from flows.commands.results.show import AsFormat, Caption, Format, Label, Printing, points, readable, say, show

if TYPE_CHECKING:
    import pandas as pd

_KEY = 8  # characters of a key that are shown: enough for `results diff`


def scores(
    study: AnyStudy = None,
    encoder: Encoders = None,
    intermediate: Intermediates = None,
    target: Targets = None,
    language: Languages = None,
    metric: Metrics = None,
    seed: Seeds = None,
    fmt: AsFormat = Format.table,
    caption: Caption = None,
    label: Label = None,
) -> None:
    """Every score, in points: cell × language × split × metric."""
    from xtransfer.analysis.results import open_results

    printing = Printing(fmt, caption, label)
    chosen = {"encoder": encoder, "intermediate": intermediate, "target": target, "language": language,
              "metric": metric, "seed": seed}  # fmt: skip
    with open_results() as results:
        frame = results.scores(study, **chosen)
    names = ["study", "encoder", "intermediate", "target", "seed", "language", "split", "metric"]
    people = readable(frame[names]).assign(
        score=frame["value"].map(points), items=frame["n"].map(str), chance=frame["chance"].map(points)
    )
    if (frame["status"] != "done").any():
        people["status"] = frame["status"]
    show(frame, printing, people=people, apart=["target", "encoder"])


def runs(
    study: AnyStudy = None,
    encoder: Encoders = None,
    intermediate: Intermediates = None,
    target: Targets = None,
    seed: Seeds = None,
    fmt: AsFormat = Format.table,
    caption: Caption = None,
    label: Label = None,
) -> None:
    """How every cell ended, where, and the seconds of its stages. `cell` is what `results diff` takes."""
    from xtransfer.analysis.results import open_results

    printing = Printing(fmt, caption, label)
    chosen = {"encoder": encoder, "intermediate": intermediate, "target": target, "seed": seed}
    with open_results() as results:
        frame = results.runs(study, **chosen)
    show(frame, printing, people=_people_of_runs(frame))
    if printing.fmt is Format.table:
        for reason, part in frame[frame["reason"] != ""].groupby("reason", sort=False):
            say(f"{', '.join(dict.fromkeys(part['cell'].str[:_KEY]))}: {reason}")


def _people_of_runs(frame: pd.DataFrame) -> pd.DataFrame:
    names = ["study", "encoder", "intermediate", "target", "seed", "status", "host", "device"]
    people = readable(frame[names])
    people.insert(0, "cell", frame["cell"].str[:_KEY])
    return people.assign(seconds=frame["seconds"].map(points))
