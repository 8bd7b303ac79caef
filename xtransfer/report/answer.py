"""The answer in words, made from the numbers: what an interval does not show is not said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from xtransfer.analysis import ANY, DIRECT, UNSEEN
from xtransfer.report.tables import signed, title
from xtransfer.report.words import counted, listed
from xtransfer.study.intermediate import Intermediate

Row = dict[Any, Any]
_LEAST_SHOWN = 0.01  # probability


@dataclass(frozen=True)
class Sentence:
    """One statement, what its interval makes of it, and what would settle an open one."""

    text: str
    verdict: str  # "up", "down", "open" (the interval includes 0) or "unknown" (no interval)
    note: str = ""


@dataclass(frozen=True)
class Answer:
    """What the study says of one target on one encoder, on the mean of the unseen languages."""

    title: str
    first_training: list[Sentence]  # against direct: any intermediate, then each
    against_english: list[Sentence]  # intermediates in other languages against those in English
    best: str  # how probable it is of each that it is the best; '' where there is no telling


def answers(gains: pd.DataFrame, contrasts: pd.DataFrame, ranking: pd.DataFrame, power: pd.DataFrame) -> list[Answer]:
    """One answer for every target and encoder of the frames that `xtransfer.analysis` gives."""
    needs = _needs(power)
    found = []
    for (target, encoder), part in gains.groupby(["target", "encoder"], sort=False):
        mean = part[(part["language"] == UNSEEN) & (part["intermediate"] != DIRECT)]
        rows = sorted(mean.to_dict("records"), key=lambda row: row["intermediate"] != ANY)
        here = (contrasts["target"] == target) & (contrasts["encoder"] == encoder)
        pairs = contrasts[here & (contrasts["language"] == UNSEEN)].to_dict("records")
        if rows:
            name = title(str(target), str(encoder), max(row["n_encoders"] for row in rows))
            english = [_against_english(row, needs) for row in pairs if _one_is_english(row)]
            found.append(Answer(name, [_gain(row, needs) for row in rows], english, _best(ranking, target, encoder)))
    return found


def _needs(power: pd.DataFrame) -> Mapping[tuple[str, ...], Row]:
    rows = power[power["language"] == UNSEEN].to_dict("records")
    return {(row["target"], row["encoder"], row["first"], row["second"]): row for row in rows}


def _gain(row: Row, needs: Mapping[tuple[str, ...], Row]) -> Sentence:
    one = row["intermediate"]
    what = "Training on any of the intermediates first" if one == ANY else f"Training on {one} first"
    verdict = _verdict(row["low"], row["high"])
    gain = f"{signed(row['gain'])} points over direct"
    said = {
        "up": f"{what} helped: {gain}",
        "down": f"{what} hurt: {gain}",
        "open": f"{what} made no difference that this study can show: {gain}",
        "unknown": f"{what}: {gain}. This is a single measurement, from which nothing can be concluded",
    }[verdict]
    need = needs.get((row["target"], row["encoder"], one, DIRECT))
    return Sentence(said + _interval(row["low"], row["high"], verdict), verdict, settling(verdict, need))


def _against_english(row: Row, needs: Mapping[tuple[str, ...], Row]) -> Sentence:
    other, english = row["first"], row["second"]
    need = needs.get((row["target"], row["encoder"], other, english))
    difference, low, high = row["difference"], row["low"], row["high"]
    if _languages(other) == {"en"}:
        other, english, difference, low, high = english, other, -difference, -high, -low
    verdict = _verdict(low, high)
    points = f"{abs(difference):.1f} points"
    said = {
        "up": f"{other} is better than {english} by {points}",
        "down": f"{other} is worse than {english} by {points}",
        "open": f"{other} and {english} cannot be told apart: the difference is {signed(difference)} points",
        "unknown": f"{other} minus {english} is {signed(difference)} points, a single measurement",
    }[verdict]
    return Sentence(said + _interval(low, high, verdict), verdict, settling(verdict, need))


def settling(verdict: str, need: Row | None) -> str:
    """What would settle a comparison that is open: more runs, more test items, or a larger difference."""
    if verdict in ("up", "down") or need is None:
        return ""
    if pd.isna(need["detectable"]):
        return f"To tell: {need['advice']}."
    present = counted(need["n_runs"], need["runs"].removesuffix("s"))
    seen = f"With {present}, a true difference of {need['detectable']:.1f} points is found four times in five. "
    return seen + f"To find one of the size that was seen: {need['advice']}."


def _best(ranking: pd.DataFrame, target: Any, encoder: Any) -> str:
    here = (ranking["target"] == target) & (ranking["encoder"] == encoder) & (ranking["language"] == UNSEEN)
    rows = ranking[here & ranking["best"].notna()].sort_values("best", ascending=False).to_dict("records")
    shown = [f"{row['intermediate']} {row['best']:.0%}" for row in rows if row["best"] >= _LEAST_SHOWN]
    if not shown:
        return ""
    rest = len(rows) - len(shown)
    others = f"; each of the other {rest} less than 1%" if rest > 1 else "; the other less than 1%" if rest else ""
    runs = counted(rows[0]["n_seeds"], "run")
    return f"Probability of being the best on this mean, in the {runs} that all of them have: {listed(shown)}{others}."


def _one_is_english(row: Row) -> bool:
    pair = [row["first"], row["second"]]
    return DIRECT not in pair and [_languages(one) == {"en"} for one in pair].count(True) == 1


def _languages(slug: str) -> set[str]:
    return {part.language for part in Intermediate.parse(slug).all_parts}


def _verdict(low: float, high: float) -> str:
    if pd.isna(low):
        return "unknown"
    return "up" if low > 0 else "down" if high < 0 else "open"


def _interval(low: float, high: float, verdict: str) -> str:
    if verdict == "unknown":
        return "."
    return f" (95% interval {signed(low)} to {signed(high)}{', which includes 0' if verdict == 'open' else ''})."
