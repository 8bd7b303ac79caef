"""What the rounds of a study say, as tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from xtransfer.analysis.grid import Grid
from xtransfer.analysis.rounds.of_grid import Log, log
from xtransfer.analysis.rounds.race import FUTILE, Round
from xtransfer.base.words import counted, listed

HISTORY = ("round", "runs", "compared", "first", "settled", "open", "regret", "next", "why")
STANDING = ("intermediate", "n_runs", "difference", "low", "high", "best", "state")


def history(grid: Grid) -> pd.DataFrame:
    """Returns a row per look of a study that is run by rounds; none for any other.

    Columns: round, runs (of each intermediate that was still compared), compared (how many those are), first (largest
    mean so far, or what all are compared with), settled (intermediates that this look settled), open (those that it
    did not), regret (points by which another may be better than `first`), next (what runs next), why (in words).
    """
    found = log(grid)
    return pd.DataFrame(_history(found) if found else [], columns=[*HISTORY])


def standing(grid: Grid) -> pd.DataFrame:
    """Returns a row per intermediate at the last look of a study that is run by rounds; none before the first.

    Columns: intermediate, n_runs, difference (points, from the first: the best so far, or what it is compared with),
    low and high (of the interval that holds for all intermediates and looks together; where the question is which is
    the best, only `high` does, and `low` is -inf), best (probability that it is, for the estimated variances; NaN if
    that is not asked), state (`first`, `ruled out`, `as good` within what does not matter, `better`, `worse`, `open`).
    """
    found = log(grid)
    last = found.last if found else None
    rows = _standing(found, last) if found and last else []
    return pd.DataFrame(rows, columns=[*STANDING])


def verdict(found: Log) -> str:
    """Returns what the rounds have shown so far, in a sentence or two."""
    last = found.last
    if last is None:
        return f"No look yet: it needs {counted(max(found.waiting), 'run')} of each intermediate."
    if last.state == "nothing to compare":
        return f"No two intermediates have two usable runs in common after {counted(max(last.runs), 'run')} of each."
    first, asked = found.names[last.first], found.asked
    states = [row["state"] for row in _standing(found, last)]
    at_once = f"95% over all {counted(len(found.rounds), 'look')} and {counted(len(found.names), 'intermediate')}"
    open_ = [name for name, state in zip(found.names, states, strict=True) if state == "open"]
    if asked.against:
        kinds = {state: [n for n, own in zip(found.names, states, strict=True) if own == state] for state in _KINDS}
        said = [f"{_KINDS[state]} {listed(names)}" for state, names in kinds.items() if names]
        text = f"Against {first}: {'; '.join(said)} ({at_once})."
    elif last.state == "decided":
        text = f"{first} is the best, or at most {asked.within:g} points below it ({at_once})."
    elif last.state == "likely":
        text = (f"{first} is probably the best, or at most {asked.within:g} points below it: the probability is "
                f"{last.sure:.0%} for the estimated variances, without a guarantee over looks. Another may be better "
                f"by up to {last.regret:.1f} points ({at_once}).")  # fmt: skip
    else:
        text = (f"{first} has the largest mean; another may be better by up to {last.regret:.1f} points ({at_once}). "
                f"Not ruled out as the best: {listed([first, *open_])}.")  # fmt: skip
    return text + _ENDS[last.state].format(futile=f"{FUTILE:.0%}", most=found.race.most)


def latest(found: Log) -> str:
    """Returns what the last look showed, in a line."""
    row = [*_history(found)][-1]
    ahead = f"{row['first']} first" if not found.asked.against else f"against {row['first']}"
    regret = f", another better by {row['regret']:.1f} points at most" if row["regret"] == row["regret"] else ""
    settled = f"; settled now: {str(row['settled']).replace(' ', ', ')}" if row["settled"] else ""
    return f"{ahead}{regret}{settled}; {row['why']}"


_KINDS = {"better": "better:", "worse": "worse:", "as good": "no difference that matters:", "open": "open:"}
_ENDS = {
    "decided": "",
    "likely": "",
    "nothing to compare": "",
    "going on": " It is not settled yet: run the study again to go on.",
    "out of reach": " The study stopped, for {most} runs would settle none of these with more than {futile} "
    "probability: that needs more runs, or a larger test set.",
    "no runs left": " All {most} runs of the study are used.",
}


def _history(found: Log) -> Iterator[dict[str, object]]:
    before: set[str] = set()
    compared = len(found.names)
    for place, one in enumerate(found.rounds, 1):
        states = [row["state"] for row in _standing(found, one)]
        open_ = [name for name, state in zip(found.names, states, strict=True) if state == "open"]
        settled = [name for name in found.names if name not in open_ and name != found.names[one.first]]
        further = [found.names[arm] for arm in one.further]
        yield {
            "round": place,
            "runs": max(one.runs),
            "compared": compared,
            "first": found.names[one.first],
            "settled": " ".join(name for name in settled if name not in before),
            "open": " ".join(open_),
            "regret": one.regret if not found.asked.against else np.nan,
            "next": " ".join(further),
            "why": _why(found, one, open_, further),
        }
        before, compared = set(settled), len(further)


def _why(found: Log, one: Round, open_: list[str], further: list[str]) -> str:
    if one.state == "decided":
        return "everything is settled"
    if one.state == "nothing to compare":
        return "no two intermediates have two usable runs in common"
    if one.state == "likely":
        return f"the first is the best, or as good, with {one.sure:.0%} probability"
    if one.state == "no runs left":
        return f"all {found.race.most} runs are used"
    if one.state == "out of reach":
        return f"{found.race.most} runs would settle none with more than {FUTILE:.0%} probability"
    if found.asked.until == "likely":
        return f"one of {listed(further)} is the best in most draws; the first, or as good, with {one.sure:.0%}"
    parked = [name for name in open_ if name not in further]
    hopeless = f"; {listed(parked)}: {found.race.most} runs would hardly settle it" if parked else ""
    return f"{len(further) - 1} can be settled by more runs (the hardest with {one.hope:.0%} probability){hopeless}"


def _standing(found: Log, one: Round) -> list[dict[str, object]]:
    low, high = one.against - one.half_width, one.against + one.half_width
    best = not found.asked.against
    return [
        {
            "intermediate": name,
            "n_runs": one.runs[arm],
            "difference": one.against[arm],
            "low": -np.inf if best else low[arm],
            "high": high[arm],
            "best": one.best[arm],
            "state": "first"
            if arm == one.first
            else _state(float(low[arm]), float(high[arm]), found.asked.within, best),
        }
        for arm, name in enumerate(found.names)
    ]


def _state(low: float, high: float, within: float, best: bool) -> str:
    if high < 0:
        return "ruled out" if best else "worse"
    if low > 0 and not best:
        return "better"
    if high <= within and (best or low >= -within):
        return "as good"
    return "open"
