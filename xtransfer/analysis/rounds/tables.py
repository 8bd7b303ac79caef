"""What the rounds of a study say, as tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from xtransfer.analysis.grid import Grid
from xtransfer.analysis.rounds.critical import looks
from xtransfer.analysis.rounds.of_grid import Log, log
from xtransfer.analysis.rounds.race import FUTILE, Round
from xtransfer.base.words import counted, listed

HISTORY = ("round", "runs", "compared", "against", "settled", "open", "regret", "next", "why")
STANDING = ("intermediate", "n_runs", "usable", "difference", "low", "high", "best", "predicted", "state")


def history(grid: Grid) -> pd.DataFrame:
    """Returns a row per look of a study that is run by rounds; none for any other.

    Columns: round, runs (of each intermediate that was still compared), compared (how many those are), against (the
    largest mean so far, or what all are compared with), settled (intermediates that this look settled), open (those
    that it did not), regret (points by which another may be better than `against`; NaN where that is not asked or not
    known), next (what runs next), why (in words).
    """
    found = log(grid)
    return pd.DataFrame(_history(found) if found else [], columns=[*HISTORY])


def standing(grid: Grid) -> pd.DataFrame:
    """Returns a row per intermediate at the last look of a study that is run by rounds; none before the first.

    Columns: intermediate, n_runs, usable (runs that learnt something), difference (points, from the first: the best so
    far, or what it is compared with), low and high (of the interval that holds for all intermediates and looks
    together; where the question is which is the best, only `high` does, and `low` is -inf), best (probability that it
    is, for the estimated variances; NaN if that is not asked), predicted (difference from the first that was predicted
    before the study, in points; NaN where none was), state (`first` or `reference`, `ruled out`, `as good` within what
    does not matter, `better`, `worse`, `open`, `unknown` without two usable runs in common with the first).
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
        whole = f"{_nothing(found)} after {counted(max(last.runs), 'run')} of each."
        return whole[0].upper() + whole[1:]
    first, asked = found.names[last.first], found.asked
    if not min(last.runs):
        ran = listed([name for name, runs in zip(found.names, last.runs, strict=True) if runs])
        ahead = "" if asked.against else f"; of these, {first} has the largest mean"
        return (f"{ran} ran first, as predicted{ahead}. The others have not run yet, so nothing more is said."
                + _ENDS["going on"])  # fmt: skip
    states = [row["state"] for row in _standing(found, last)]
    many = len(looks(found.race.most))
    at_once = f"95% over all {counted(len(found.names), 'intermediate')} and {counted(many, 'look')} that there may be"
    open_ = [name for name, state in zip(found.names, states, strict=True) if state in _OPEN]
    if asked.against:
        kinds = {state: [n for n, own in zip(found.names, states, strict=True) if own == state] for state in _KINDS}
        said = [f"{_KINDS[state]} {listed(names)}" for state, names in kinds.items() if names]
        text = f"Against {first}: {'; '.join(said)} ({at_once})."
    elif last.state == "decided":
        below = f", or at most {last.regret:.1f} points below it" if last.regret else ""
        text = f"{first} is the best{below} ({at_once})."
    elif last.state == "likely":
        text = (f"{first} is probably the best, or at most {asked.within:g} points below it: the probability is "
                f"{last.sure:.0%} for the estimated variances, without a guarantee over looks. {_regret(last)} "
                f"({at_once}).")  # fmt: skip
    else:
        bound = f" ({at_once})" if np.isfinite(last.regret) else ""
        of_known = " of those that can be compared" if "unknown" in states else ""
        text = (f"{first} has the largest mean{of_known}. {_regret(last)}{bound}. "
                f"Not ruled out as the best: {listed([first, *open_])}.")  # fmt: skip
    lacking = [f"{name} ({usable} of {runs})" for name, state, usable, runs
               in zip(found.names, states, last.usable, last.runs, strict=True) if state == "unknown"]  # fmt: skip
    if lacking:
        text += f" Too few runs learnt something to say anything of {listed(lacking)}."
    return text + _ENDS[last.state].format(futile=f"{FUTILE:.0%}", most=found.race.most)


def latest(found: Log) -> str:
    """Returns what the last look showed, in a line."""
    row = [*_history(found)][-1]
    ahead = f"{row['against']} first" if not found.asked.against else f"against {row['against']}"
    regret = f", another better by {row['regret']:.1f} points at most" if row["regret"] == row["regret"] else ""
    settled = f"; settled now: {row['settled']}" if row["settled"] else ""
    return f"{ahead}{regret}{settled}; {row['why']}" if row["against"] else str(row["why"])


def _nothing(found: Log) -> str:
    against = found.asked.against
    if against:
        return f"no other has two usable runs in common with {against}"
    return "no two intermediates have two usable runs in common"


def _regret(one: Round) -> str:
    if np.isinf(one.regret):
        return "How much better another may be is not known"
    return f"Another may be better by up to {one.regret:.1f} points"


_OPEN = ("open", "unknown")
_KINDS = {"better": "better:", "worse": "worse:", "as good": "no difference that matters:", "open": "open:",
          "unknown": "not known:"}  # fmt: skip
_ENDS = {
    "decided": "",
    "likely": "",
    "nothing to compare": "",
    "going on": " It is not settled yet: run the study again to go on.",
    "out of reach": " The study stopped, for all its {most} runs would settle none of these with more than {futile} "
    "probability: that needs more runs, or a larger test set.",
    "no runs left": " All {most} runs of the study are used.",
}


def _history(found: Log) -> Iterator[dict[str, object]]:
    before: set[str] = set()
    for place, one in enumerate(found.rounds, 1):
        states = [row["state"] for row in _standing(found, one)]
        open_ = [name for name, state in zip(found.names, states, strict=True) if state in _OPEN]
        settled = [name for name in found.names if name not in open_ and name != found.names[one.first]]
        further = [found.names[arm] for arm in one.further]
        yield {
            "round": place,
            "runs": max(one.runs),
            "compared": one.runs.count(max(one.runs)),
            "against": found.names[one.first] if one.state != "nothing to compare" else "",
            "settled": ", ".join(name for name in settled if name not in before),
            "open": ", ".join(open_),
            "regret": np.nan if found.asked.against or np.isinf(one.regret) else one.regret,
            "next": ", ".join(further),
            "why": _why(found, one, open_, further),
        }
        before = set(settled)


def _why(found: Log, one: Round, open_: list[str], further: list[str]) -> str:
    if not min(one.runs):
        return "those that are predicted to be the best ran first; the others follow"
    if one.state == "decided":
        return "everything is settled"
    if one.state == "nothing to compare":
        return _nothing(found)
    if one.state == "likely":
        return f"the first is the best, or as good, with {one.sure:.0%} probability"
    if one.state == "no runs left":
        return f"all {found.race.most} runs are used"
    if one.state == "out of reach":
        return f"all {found.race.most} runs would settle none with more than {FUTILE:.0%} probability"
    unknown = [found.names[arm] for arm in one.further if one.unknown[arm]]
    known = [name for name in further if name not in unknown]
    parked = [name for name in open_ if name not in further]
    likely = found.asked.until == "likely"
    said = []
    if len(known) > 1 and likely:
        said.append(f"one of {listed(known)} is the best in most draws; the first, or as good, with {one.sure:.0%}")
    elif len(known) > 1:
        said.append(f"{len(known) - 1} can be settled by more runs (the hardest with {one.hope:.0%} probability)")
    if unknown:
        said.append(f"of {listed(unknown)} too few usable runs are known")
    if parked and not likely:
        said.append(f"{listed(parked)}: all {found.race.most} runs would hardly settle it")
    return "; ".join(said)


def _standing(found: Log, one: Round) -> list[dict[str, object]]:
    against = np.full(len(found.names), np.nan) if one.state == "nothing to compare" else one.against
    low, high = against - one.half_width, against + one.half_width
    best, prior = not found.asked.against, found.asked.prior
    first = prior.get(found.names[one.first], (np.nan, np.nan))[0]
    return [
        {
            "intermediate": name,
            "n_runs": one.runs[arm],
            "usable": int(one.usable[arm]),
            "difference": against[arm],
            "low": -np.inf if best else low[arm],
            "high": high[arm],
            "best": one.best[arm],
            "predicted": prior.get(name, (np.nan, np.nan))[0] - first,
            "state": _state(found, one, arm),
        }
        for arm, name in enumerate(found.names)
    ]


def _state(found: Log, one: Round, arm: int) -> str:
    best, within = not found.asked.against, found.asked.within
    low, high = one.against[arm] - one.half_width[arm], one.against[arm] + one.half_width[arm]
    if one.state == "nothing to compare":
        return "unknown"
    if arm == one.first:
        return "first" if best else "reference"
    if one.unknown[arm]:
        return "unknown"
    if high < 0:
        return "ruled out" if best else "worse"
    if low > 0 and not best:
        return "better"
    if high <= within and (best or low >= -within):
        return "as good"
    return "open"
