"""`xtransfer results gains`, `ranking`, `power` …: a command for each statistic, and `contrast`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.results.ask import (
    AsBy,
    Asked,
    By,
    Encoders,
    Intermediates,
    Languages,
    OneStudy,
    Seeds,
    Targets,
    command,
    option,
    say,
)
from xtransfer.analysis.statistics import CONTRASTS
from xtransfer.analysis.texts import definitions
from xtransfer.base.settings import current, shown
from xtransfer.base.words import counted

if TYPE_CHECKING:
    import pandas as pd

    from xtransfer.analysis.statistic import Chosen, Statistic

_FILTERS = {"encoder": Encoders, "intermediate": Intermediates, "target": Targets, "language": Languages, "seed": Seeds}


def of(statistic: Statistic) -> Callable[..., None]:
    """The command of a statistic, with the statistic's filters as options."""

    def question(asked: Asked, study: str, by: By | None = None, **filters: Chosen) -> None:
        frame = asked.results.statistic(statistic, study, by=by.value if by else None, **filters)
        _show(asked, statistic, frame)

    question.__doc__ = statistic.words
    by = [option("by", AsBy, By(statistic.by))] if statistic.by else []
    filters = [option(name, _FILTERS[name], None) for name in statistic.filters]
    return command(question, [option("study", OneStudy), *by, *filters])


def contrast(
    asked: Asked,
    study: OneStudy,
    first: Annotated[str, typer.Argument(metavar="FIRST", help="An intermediate, such as lab-nli@de.")],
    second: Annotated[
        str, typer.Argument(metavar="SECOND", help="The intermediate to compare it with, such as lab-nli@en.")
    ],
    by: AsBy = By.language,
    encoder: Encoders = None,
    target: Targets = None,
    language: Languages = None,
    seed: Seeds = None,
) -> None:
    frame = asked.results.contrasts(study, first, second, by=by.value, encoder=encoder, target=target,
                                    language=language, seed=seed)  # fmt: skip
    _show(asked, CONTRASTS, frame)


contrast.__doc__ = CONTRASTS.words


def _show(asked: Asked, statistic: Statistic, frame: pd.DataFrame) -> None:
    """Print the frame, and the number of cells left out, each reason once."""
    names = dict.fromkeys(str(name) for place in ("intermediate", "first", "second", "language") if place in frame
                          for name in frame[place].unique())  # fmt: skip
    legend = "; ".join(filter(None, [statistic.legend, definitions(names)]))
    asked.show(frame, statistic.table(frame), statistic.apart, legend)
    if frame.empty and statistic.absent:
        say(statistic.absent)
    if count := frame.attrs["without_items"]:
        say(
            f"no interval covers test items of {counted(count, 'cell')}, because the predictions are not in the store "
            f"{shown(current().store)}: set XTRANSFER_STORE to the one that has them"
        )
    reasons: dict[str, int] = {}
    for one in frame.attrs.get("excluded", []):
        reasons[one["reason"]] = reasons.get(one["reason"], 0) + 1
    for reason, count in reasons.items():
        say(f"left out: {counted(count, 'cell')} ({reason})")
