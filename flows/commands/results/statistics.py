"""`xtransfer results ranking`, `power` and `model`: what a study can and cannot tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.commands.results.options import AsBy, By, Encoders, Intermediates, Languages, OneStudy, Seeds, Targets
from flows.commands.results.show import (
    AsFormat,
    Caption,
    Format,
    Label,
    Printing,
    beside,
    intervals,
    p_value,
    points,
    readable,
    runs,
    show,
    signed,
)

if TYPE_CHECKING:
    pass


def ranking(
    study: OneStudy,
    by: AsBy = By.mean,
    encoder: Encoders = None,
    target: Targets = None,
    language: Languages = None,
    seed: Seeds = None,
    fmt: AsFormat = Format.table,
    caption: Caption = None,
    label: Label = None,
) -> None:
    """The probability that each intermediate (`direct` is one) is the best, and its expected rank."""
    from xtransfer.analysis.results import open_results

    printing = Printing(fmt, caption, label)
    with open_results() as results:
        frame = results.ranking(study, by=by.value, encoder=encoder, target=target, language=language, seed=seed)
    people = readable(frame[["encoder", "target", "language", "intermediate"]]).assign(
        score=frame["value"].map(points),
        best=frame["best"].map(lambda share: "" if share is None or share != share else f"{share:.0%}"),
        rank=frame["expected_rank"].map(points),
        runs=runs(frame),
        covers=frame["covers"],
        verdict=frame["reason"],
    )
    show(frame, printing, people=people, apart=["target", "encoder"])


def power(
    study: OneStudy,
    by: AsBy = By.mean,
    encoder: Encoders = None,
    intermediate: Intermediates = None,
    target: Targets = None,
    language: Languages = None,
    seed: Seeds = None,
    fmt: AsFormat = Format.table,
    caption: Caption = None,
    label: Label = None,
) -> None:
    """The smallest difference that the study could have found, and how many more runs would settle what it saw.

    At level 5% and with power 80%; `--intermediate` chooses comparisons in which it is one of the two.
    """
    from xtransfer.analysis.results import open_results

    printing = Printing(fmt, caption, label)
    with open_results() as results:
        frame = results.power(study, by=by.value, encoder=encoder, intermediate=intermediate, target=target,
                              language=language, seed=seed)  # fmt: skip
    people = beside(
        readable(frame[["encoder", "target"]]),
        {
            "comparison": frame["first"] + " - " + frame["second"],
            "language": frame["language"],
            "difference": frame["difference"].map(signed),
            "se runs": frame["se_runs"].map(points),
            "se items": frame["se_items"].map(points),
            "detectable": frame["detectable"].map(points),
            "runs": frame["n_runs"].map(str),
            "advice": frame["advice"],
        },
    )
    show(frame, printing, people=people, apart=["target", "encoder"])


def model(
    study: OneStudy,
    target: Targets = None,
    seed: Seeds = None,
    fmt: AsFormat = Format.table,
    caption: Caption = None,
    label: Label = None,
) -> None:
    """A mixed-effects model of the gain: what about an intermediate and a test language goes with a larger one."""
    from xtransfer.analysis.results import open_results

    printing = Printing(fmt, caption, label)
    with open_results() as results:
        frame = results.model(study, target=target, seed=seed)
    people = beside(
        readable(frame[["target", "term"]]),
        {
            "points": frame["estimate"].map(signed),
            "95% interval": intervals(frame),
            "p": frame["p"].map(p_value),
            "gains": frame["n"].map(str),
            "note": frame["note"],
        },
    )
    show(frame, printing, people=people, apart=["target"])
