"""`xtransfer design`: the runs, test items and hours that a study needs to find a difference."""

from __future__ import annotations

from dataclasses import asdict
from math import isinf, isnan
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.common import AsJson, Settings, Small, StudyName, chosen, print_json
from flows.terminal import Console, Table
from xtransfer.base.errors import RequestError

if TYPE_CHECKING:
    from xtransfer.analysis.spreads import Spread
    from xtransfer.planning.design import Needed
    from xtransfer.study.study import Study

Detect = Annotated[float, typer.Option(min=0.01, max=100, help="True difference to find, in points.")]
Power = Annotated[float, typer.Option(min=0.05, max=0.99, help="Probability of finding it.")]
RunSd = Annotated[
    float | None,
    typer.Option(
        "--run-sd",
        min=0.0,
        max=100,
        help="Standard deviation of a difference between two runs, in points; default: from recorded studies.",
    ),
]
_MOST_TIMED = 50  # seeds that a plan is made for


def command(
    study: StudyName,
    detect: Detect = 1.0,
    power: Power = 0.8,
    run_sd: RunSd = None,
    small: Small = False,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Show how many seeds, test items and hours find a difference between two intermediates; run nothing.

    Variances are taken from recorded studies, of the same target where there are any. They are estimates: with few runs
    behind them, take more seeds than this says.
    """
    from xtransfer.planning.design import design

    wanted = chosen(study, small, settings)
    found = design(wanted, _recorded(), detect, power=power, run_sd=run_sd)
    most = max(one.runs for one in found)
    seconds = _seconds(wanted, int(most)) if most <= _MOST_TIMED else None
    if as_json:
        print_json(
            {
                "study": wanted.name,
                "detect": detect,
                "power": power,
                "targets": [{name: _json(value) for name, value in asdict(one).items()} for one in found],
                "seconds": seconds,
            }
        )
        return
    _show(wanted, found, detect, power, most, seconds)


def _recorded() -> list[Spread]:
    from xtransfer.analysis.spreads import spreads
    from xtransfer.base.settings import current
    from xtransfer.results.database import open_database
    from xtransfer.store.artifacts import ArtifactStore

    places = current()
    try:
        with open_database(places.database_url, read_only=True) as database:
            return spreads(database, ArtifactStore(places.store))
    except RequestError:  # there is none yet
        return []


def _seconds(study: Study, runs: int) -> float:
    """The expected seconds of the study with so many seeds, without what is in the store."""
    from flows.commands.plan import look
    from xtransfer.data.revisions import PinsInReach
    from xtransfer.planning import grid

    seeds = [*study.seeds, *(seed for seed in range(10_000) if seed not in study.seeds)][:runs]
    pins = PinsInReach()
    plan = grid.plan(study.with_settings({"seeds": sorted(seeds), "rounds": None}), pins)
    return look(plan, tuple(dict.fromkeys(pins.unpinned))).seconds


def _show(study: Study, found: list[Needed], detect: float, power: float, most: float, seconds: float | None) -> None:
    from xtransfer.base.words import counted, duration

    console = Console()
    numbers = ("sd of a run", "sd of items", "items", "seeds needed", "finds at best")
    table = Table("target", *numbers, right=numbers)
    sources: dict[str, list[str]] = {}
    would_do: dict[str, list[str]] = {}
    for one in found:
        items, best = ("" if isnan(number) else f"{number:.2f}" for number in (one.item_sd, one.at_least))
        needed = "none is enough" if isinf(one.runs) else f"{one.runs:.0f}"
        table.add_row(one.target, f"{one.run_sd:.2f}", items, f"{one.items:,}", needed, best)
        sources.setdefault(one.source, []).append(one.target)
        if not isnan(one.items_needed):
            enough = "no number of" if isinf(one.items_needed) else f"{one.items_needed:,.0f}"
            would_do.setdefault(enough, []).append(one.target)
    seeds = counted(len(study.seeds), "seed")
    console.print(table)
    said = [
        f"To find a true difference of {detect:g} points between two intermediates in {power:.0%} of studies, on the "
        "mean over all languages but English (95% intervals, one comparison).",
        *(f"Standard deviations {source} ({_of(targets, found)})." for source, targets in sources.items()),
        *(f"With the {seeds} of the study, {enough} test items would do ({_of(targets, found)})."
          for enough, targets in would_do.items()),
    ]  # fmt: skip
    if seconds is not None:
        time = f"about {duration(seconds)}"
        said.append(f"With {counted(int(most), 'seed')}, what is not in the store takes {time}.")
    elif not isinf(most):
        said.append(f"The time is told for up to {_MOST_TIMED} seeds.")
    console.print("\n" + "\n".join(said), highlight=False, markup=False)


def _of(targets: list[str], found: list[Needed]) -> str:
    return "all targets" if len(targets) == len(found) > 1 else ", ".join(targets)


def _json(value: object) -> object:
    return None if isinstance(value, float) and (isnan(value) or isinf(value)) else value
