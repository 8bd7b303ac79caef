"""How many runs and test items a study needs to find a difference of a given size, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from xtransfer.analysis.detectable import runs_needed, smallest
from xtransfer.analysis.spreads import Pooled, Spread, pooled
from xtransfer.analysis.variance import Variance
from xtransfer.base.errors import RequestError
from xtransfer.planning.costs import rows_of
from xtransfer.planning.study_check import scored_languages
from xtransfer.study.study import Study, Target

RUN_SD = 1.0  # points, of a difference between two runs, where nothing is recorded: assumed
DISAGREE = 0.2  # share of test items that two models answer differently; likewise


@dataclass(frozen=True)
class Needed:
    """What finds a difference on one target."""

    target: str
    run_sd: float  # standard deviation of a difference by runs, in points
    item_sd: float  # by test items, of this target's test set, in points; NaN if unknown
    items: int  # test items over all languages but English
    source: str  # where the two are from
    runs: float  # needed; inf if the test set is too small for any number
    at_least: float  # the smallest difference, in points, that any number of runs finds; NaN if items are unknown
    items_needed: float  # test items, with as many runs as the study has; NaN if `runs` is no more than that


def design(
    study: Study, spreads: Sequence[Spread], detect: float, *, level: float = 0.95, power: float = 0.8,
    run_sd: float | None = None,
) -> list[Needed]:  # fmt: skip
    """Returns per target what finds a true difference of `detect` points with probability `power`, on the mean over all
    languages but English.

    Variances are those of recorded comparisons: of the same target and encoder, else of the same target, else of the
    same benchmark, else assumed (`RUN_SD`, `DISAGREE`); `run_sd` replaces that of runs. The level is that of one
    comparison (`level`), as of `xtransfer.analysis.power` without a family. Raises RequestError for a study without
    two intermediates, or a target in English alone.
    """
    if len(study.intermediates) < 2:
        raise RequestError(f"'{study.name}' has one intermediate, so there is no difference to find")
    return [_of_target(study, target, spreads, detect, level, power, run_sd) for target in study.targets]


def _of_target(
    study: Study, target: Target, spreads: Sequence[Spread], detect: float, level: float, power: float,
    run_sd: float | None,
) -> Needed:  # fmt: skip
    languages = [code for code in scored_languages(study, target) if code != "en"]
    if not languages:
        raise RequestError(
            f"targets: '{target.slug}' is scored in English alone, and the design is for other languages"
        )
    items = sum(rows_of(target.benchmark, code, target.split, target.score_rows) for code in languages)
    found, source = _known(study, target, spreads)
    of_run = run_sd**2 if run_sd is not None else found.of_run if found else RUN_SD**2
    of_item = found.of_item if found else DISAGREE * 100**2
    of_items = of_item / max(1, items)
    if run_sd is not None:
        source = f"runs as given, items {source}"
    runs, limit = _runs(of_run, of_items, detect, level, power)
    enough = np.nan
    if runs > len(study.seeds):
        enough = _items(of_run, of_item, len(study.seeds), detect, level, power)
    return Needed(target.slug, of_run**0.5, of_items**0.5, items, source, runs, limit, enough)


def _known(study: Study, target: Target, spreads: Sequence[Spread]) -> tuple[Pooled | None, str]:
    """Returns the closest recorded variances, and which they are."""
    names = {text.partition("@")[0] for text in study.encoders}
    same = [one for one in spreads if one.target == target.slug]
    choices: list[tuple[str, Callable[[Spread], bool]]] = [
        ("this target and encoder", lambda one: one in same and one.encoder.partition("@")[0] in names),
        ("this target, another encoder", lambda one: one in same),
        (target.benchmark, lambda one: one.target.partition("<")[0].partition(":")[0] == target.benchmark),
    ]
    for words, fits in choices:
        if (found := pooled(filter(fits, spreads))) is not None:
            return found, f"recorded: {words}, {found.comparisons} comparisons with {found.degrees} degrees of freedom"
    return None, "assumed"


def _variance(of_run: float, of_items: float, runs: int) -> Variance:
    one = np.array([of_run / runs])
    return Variance(runs, one, np.array([0.0 if np.isnan(of_items) else of_items]), np.zeros(1))


def _runs(of_run: float, of_items: float, detect: float, level: float, power: float) -> tuple[float, float]:
    found = float(runs_needed(np.array([detect]), _variance(of_run, of_items, 2), level, power)[0])
    limit = smallest(np.array([of_items]), np.array([np.inf]), level, power)
    return found, float(limit[0])


def _items(of_run: float, of_item: float, runs: int, detect: float, level: float, power: float) -> float:
    """Returns how many test items find the difference with so many runs; inf if no number does."""
    if runs < 2 or np.isnan(of_item):
        return np.inf

    def finds(items: float) -> bool:
        variance = _variance(of_run, of_item / items, runs)
        return bool(smallest(variance.total, variance.degrees, level, power)[0] <= detect)

    low, high = 1.0, 1e9
    if not finds(high):
        return np.inf
    while high / low > 1.01:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if finds(middle) else (middle, high)
    return high
