"""`xtransfer results gains` and `contrast`: what an intermediate brings, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.results.options import AsBy, By, Encoders, Intermediates, Languages, OneStudy, Seeds, Targets
from flows.commands.results.show import (
    AsFormat,
    Caption,
    Format,
    Label,
    Printing,
    intervals,
    p_value,
    points,
    readable,
    runs,
    say,
    show,
    signed,
    verdicts,
)

if TYPE_CHECKING:
    import pandas as pd


def gains(
    study: OneStudy,
    by: AsBy = By.language,
    encoder: Encoders = None,
    intermediate: Intermediates = None,
    target: Targets = None,
    language: Languages = None,
    seed: Seeds = None,
    fmt: AsFormat = Format.table,
    caption: Caption = None,
    label: Label = None,
) -> None:
    """Gain of each intermediate over `direct` per language, with its 95% interval and what that covers."""
    from xtransfer.analysis.results import open_results

    printing = Printing(fmt, caption, label)
    with open_results() as results:
        frame = results.gains(study, by=by.value, encoder=encoder, intermediate=intermediate,
                                target=target, language=language, seed=seed)  # fmt: skip
    people = _people(frame, ["intermediate"], {"score": "value"}, "gain")
    show(frame, printing, people=people, apart=["target", "encoder"])
    _say_left_out(frame)


def contrast(
    study: OneStudy,
    first: Annotated[str, typer.Argument(help="An intermediate, such as lab-nli@de.")],
    second: Annotated[str, typer.Argument(help="The intermediate that it is compared with, such as lab-nli@en.")],
    by: AsBy = By.language,
    encoder: Encoders = None,
    target: Targets = None,
    language: Languages = None,
    seed: Seeds = None,
    fmt: AsFormat = Format.table,
    caption: Caption = None,
    label: Label = None,
) -> None:
    """First minus second per language, with its 95% interval and what that covers."""
    from xtransfer.analysis.results import open_results

    printing = Printing(fmt, caption, label)
    with open_results() as results:
        frame = results.contrasts(study, first, second, by=by.value, encoder=encoder, target=target,
                                   language=language, seed=seed)  # fmt: skip
    people = _people(frame, [], {"first": "value", "second": "second_value"}, "difference")
    people.insert(0, "contrast", f"{first} - {second}")
    show(frame, printing, people=people, apart=["target", "encoder"])
    _say_left_out(frame)


def _people(frame: pd.DataFrame, names: list[str], values: dict[str, str], difference: str) -> pd.DataFrame:
    people = readable(frame[["encoder", "target", *names, "language"]])
    for heading, column in values.items():
        people[heading] = frame[column].map(points)
    people[difference] = frame[difference].map(signed)
    people["95% interval"] = intervals(frame)
    for heading, column in {"p": "p", "Holm": "p_holm", "BH": "p_bh"}.items():
        people[heading] = frame[column].map(p_value)
    return people.assign(runs=runs(frame), covers=frame["covers"], verdict=verdicts(frame))


def _say_left_out(frame: pd.DataFrame) -> None:
    """Cells that are no part of the numbers, each reason once."""
    reasons: dict[str, int] = {}
    for one in frame.attrs["excluded"]:
        reasons[one["reason"]] = reasons.get(one["reason"], 0) + 1
    for reason, count in reasons.items():
        say(f"left out: {count} cell{'s' if count > 1 else ''} ({reason})")
