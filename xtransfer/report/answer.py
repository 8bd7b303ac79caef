"""The answer of a study in sentences. Each claims no more than its verdict allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from xtransfer.analysis import ANY, BUT_EN, DIRECT, OTHERS
from xtransfer.analysis.detectable import EQUAL
from xtransfer.analysis.statistic import signed
from xtransfer.analysis.verdict import Row, Verdict, ends
from xtransfer.base.words import counted, listed
from xtransfer.report.tables import title
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.study import Target

_LEAST_SHOWN = 0.01  # probability
_OTHERS = "the other languages: all but English and those that the intermediate (or either of two) was trained in"
_EVERYWHERE = "all languages but English; the target was trained in each of them, on translations"
_ALL = "the mean of all languages but English"  # a ranking needs the same languages for all intermediates


@dataclass(frozen=True)
class Sentence:
    """One statement, its verdict, and what would settle it if it is open."""

    text: str
    verdict: Verdict
    note: str = ""


@dataclass(frozen=True)
class Answer:
    """What the study found for one target on one encoder, as a mean over languages."""

    title: str
    mean: str  # which languages the mean is over
    first_training: list[Sentence]  # against direct: any intermediate, then each; empty without a run of direct
    against_english: list[Sentence]  # intermediates in other languages against those in English
    best: str  # probability that each is the best; '' if unknown


def answers(gains: pd.DataFrame, contrasts: pd.DataFrame, ranking: pd.DataFrame, power: pd.DataFrame) -> list[Answer]:
    """Returns one answer per target and encoder. The arguments are the frames of `xtransfer.analysis`."""
    needs = _needs(power)
    found = []
    for (target, encoder), part in gains.groupby(["target", "encoder"], sort=False):
        compared = _on_the_mean(part[part["gain"].notna()], ["intermediate"])
        rows = sorted(compared, key=lambda row: row["intermediate"] != ANY)
        here = (contrasts["target"] == target) & (contrasts["encoder"] == encoder)
        pairs = _on_the_mean(contrasts[here], ["first", "second"])
        english = [_against_english(row, needs) for row in pairs if _one_is_english(row)]
        if rows or english:
            mean = _EVERYWHERE if _is_trained_everywhere(str(target)) else _OTHERS
            name = title(str(target), str(encoder), int(part["n_encoders"].max()))
            gained = [_gain(row, needs) for row in rows]
            found.append(Answer(name, mean, gained, english, _best(ranking, str(target), str(encoder))))
    return found


def _on_the_mean(frame: pd.DataFrame, what: list[str]) -> list[Row]:
    """Returns each comparison's row for `mean-others`, or for `mean-but-en` if it has no `mean-others`."""
    means = frame[frame["language"].isin([OTHERS, BUT_EN])].sort_values("language", key=lambda one: one != OTHERS)
    return list(means.drop_duplicates(what).sort_index().to_dict("records"))


def _is_trained_everywhere(target: str) -> bool:
    return Target.parse(target).translate == "train"


def _of_mean(row: Row) -> str:
    """Returns a note for a row whose mean is over other languages than the answer's: it has none of these."""
    if row["language"] == OTHERS or _is_trained_everywhere(row["target"]):
        return ""
    return " on the mean of all languages but English, as no other language is left"


def _needs(power: pd.DataFrame) -> Mapping[tuple[str, ...], Row]:
    rows = power[power["language"].isin([OTHERS, BUT_EN])].to_dict("records")
    return {tuple(row[name] for name in ("target", "encoder", "first", "second", "language")): row for row in rows}


def _gain(row: Row, needs: Mapping[tuple[str, ...], Row]) -> Sentence:
    one = row["intermediate"]
    what = "Training first, on average over the intermediates," if one == ANY else f"Training on {one} first"
    verdict = Verdict.read(row)
    gain = f"{signed(row['gain'])} points over direct{_of_mean(row)}"
    said = {
        "up": f"{what} helped: {gain}",
        "down": f"{what} hurt: {gain}",
        "open": f"{what} made no difference that this study can detect: {gain}",
        "unknown": f"Whether {what[0].lower()}{what[1:]} helps is {verdict.reason}: it gave {gain}",
    }[verdict.state]
    need = needs.get((row["target"], row["encoder"], one, DIRECT, row["language"]))
    return Sentence(said + _interval(*ends(row), verdict), verdict, settling(verdict, need))


def _against_english(row: Row, needs: Mapping[tuple[str, ...], Row]) -> Sentence:
    other, english = row["first"], row["second"]
    need = needs.get((row["target"], row["encoder"], other, english, row["language"]))
    difference, (low, high), verdict = row["difference"], ends(row), Verdict.read(row)
    if _languages(other) == {"en"}:
        other, english, difference, low, high = english, other, -difference, -high, -low
        verdict = verdict.turned()
    points = f"{abs(difference):.1f} points{_of_mean(row)}"
    seen = f"{signed(difference)} points{_of_mean(row)}"
    said = {
        "up": f"{other} is better than {english} by {points}",
        "down": f"{other} is worse than {english} by {points}",
        "open": f"{other} and {english} cannot be told apart: the difference is {seen}",
        "unknown": f"Whether {other} is better than {english} is {verdict.reason}: the difference was {seen}",
    }[verdict.state]
    return Sentence(said + _interval(low, high, verdict), verdict, settling(verdict, need))


def settling(verdict: Verdict, need: Row | None) -> str:
    """Returns what would settle an open comparison: more runs, more test items, or a larger difference."""
    if verdict.is_sure or need is None or (verdict.state == "unknown" and need["advice"] == EQUAL):
        return ""
    if pd.isna(need["detectable"]):
        return (
            f"What it would take is not known: {need['advice']}." if verdict.is_known else f"To tell: {need['advice']}."
        )
    present = counted(need["n_runs"], need["runs"].removesuffix("s"))
    seen = f"With {present}, a true difference of {need['detectable']:.1f} points is found with 80% probability. "
    return seen + f"To find one of the observed size: {need['advice']}."


def _best(ranking: pd.DataFrame, target: str, encoder: str) -> str:
    here = (ranking["target"] == target) & (ranking["encoder"] == encoder) & (ranking["language"] == BUT_EN)
    every = ranking[here]
    lost = [str(name) for name in every.loc[every["n_runs"] == 0, "intermediate"]]
    without = f" Not ranked, because no run is usable: {listed(lost)}." if lost else ""
    rows = every[every["best"].notna()].sort_values("best", ascending=False).to_dict("records")
    shown = [f"{row['intermediate']} {row['best']:.0%}" for row in rows if row["best"] >= _LEAST_SHOWN]
    if not shown:
        reasons = every.loc[every["n_runs"] > 0, "reason"].unique()
        return "".join(f"Which of them is the best on {_ALL} is {reason}." for reason in reasons) + without
    rest = len(rows) - len(shown)
    others = f"; each of the other {rest} less than 1%" if rest > 1 else "; the other less than 1%" if rest else ""
    runs = counted(rows[0]["n_seeds"], "run")
    best = f"Probability of being the best on {_ALL}, in the {runs} that they all have: {listed(shown)}{others}."
    beaten = every[every["beaten_by"] != ""].to_dict("records")
    out = [f"{row['intermediate']} (by {listed(row['beaten_by'].split())})" for row in beaten]
    ruled = f" Ruled out as the best by a simultaneous 95% interval: {listed(out)}." if out else ""
    return best + ruled + without


def _one_is_english(row: Row) -> bool:
    pair = [row["first"], row["second"]]
    return DIRECT not in pair and [_languages(one) == {"en"} for one in pair].count(True) == 1


def _languages(slug: str) -> set[str]:
    return {part.language for part in Intermediate.parse(slug).all_parts}


def _interval(low: float, high: float, verdict: Verdict) -> str:
    made_from = f", from {verdict.made_from}" if verdict.is_known and verdict.made_from else ""
    if pd.isna(low):
        return f"{made_from}."
    over = "" if " and " in verdict.over else f" over {verdict.over}:"
    together = f", simultaneous for {verdict.together}" if verdict.together else ""
    zero = ", which includes 0" if verdict.state == "open" else ""
    return f" (95% interval{over} {signed(low)} to {signed(high)}{together}{zero}{made_from})."
