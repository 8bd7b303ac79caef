"""The answer of a study in sentences. Each claims no more than its verdict allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from xtransfer.analysis import ANY, BUT_EN, DIRECT, OTHERS
from xtransfer.analysis.detectable import EQUAL
from xtransfer.analysis.statistic import signed
from xtransfer.analysis.verdict import Row, State, Verdict, ends
from xtransfer.base.words import counted, listed
from xtransfer.report.tables import title
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.study import Target

_LEAST_SHOWN = 0.01  # probability
_ALL = f"{BUT_EN}, the mean of all languages but English"  # a ranking needs the same languages for all intermediates
_MEAN = (
    f"{OTHERS}, the mean of the other languages: all but English and those that the intermediate (or either of two) "
    "was trained in"
)
_EVERYWHERE = f"{_ALL}; the target was trained in each of them, on translations"
EFFECT: Mapping[State, str] = {"up": "helped", "down": "hurt", "open": "made no difference that this study can detect"}
_MOST_NAMED = 4  # targets in one clause


@dataclass(frozen=True)
class Sentence:
    """One statement, its verdict, and what would settle it if it is open."""

    text: str
    verdict: Verdict
    note: str = ""
    about: str = ""  # the intermediate that is compared with direct, or `any`


@dataclass(frozen=True)
class Overall:
    """What a study says as a whole."""

    text: str
    note: str
    state: State | Literal["mixed"]  # the verdict of all targets, if it is the same


@dataclass(frozen=True)
class Answer:
    """What the study found for one target on one encoder, as a mean over languages."""

    target: str
    encoder: str
    title: str
    mean: str  # which languages the mean is over
    first_training: list[Sentence]  # against direct: any intermediate, then each; empty without a run of direct
    against_english: list[Sentence]  # intermediates in other languages against those in English
    best: str  # probability that each is the best; '' if unknown

    @property
    def finding(self) -> str:
        """The answer in a few sentences: on average, each intermediate, and what would settle it."""
        if not self.first_training:
            return self.best
        lead, *singles = self.first_training
        names: dict[str, list[str]] = {}
        for one in singles:
            names.setdefault(EFFECT.get(one.verdict.state, one.verdict.reason), []).append(one.about)
        alone = "; ".join(f"{listed(several)}: {effect}" for effect, several in names.items())
        said = f"On {self.mean.partition(',')[0]}, {_lowered(lead.text)}"
        return " ".join(filter(None, [said, f"One by one: {alone}." if alone else "", lead.note]))


def answers(gains: pd.DataFrame, contrasts: pd.DataFrame, ranking: pd.DataFrame, power: pd.DataFrame) -> list[Answer]:
    """Returns one answer per target and encoder. The arguments are the frames of `xtransfer.analysis`."""
    needs = _needs(power)
    found = []
    for (target, encoder), part in gains.groupby(["target", "encoder"], sort=False):
        compared = on_the_mean(part[part["gain"].notna()], ["intermediate"])
        rows = sorted(compared, key=lambda row: row["intermediate"] != ANY)
        here = (contrasts["target"] == target) & (contrasts["encoder"] == encoder)
        pairs = on_the_mean(contrasts[here], ["first", "second"])
        english = [_against_english(row, needs) for row in pairs if _one_is_english(row)]
        if rows or english:
            mean = _EVERYWHERE if _is_trained_everywhere(str(target)) else _MEAN
            place = (str(target), str(encoder))
            gained = [_gain(row, needs) for row in rows]
            name = title(*place, int(part["n_encoders"].max()))
            found.append(Answer(*place, name, mean, gained, english, _best(ranking, *place)))
    return found


def overall(found: Sequence[Answer]) -> Overall | None:
    """Returns what a study says as a whole: its one target's first sentence, or on which targets each verdict holds.

    None where nothing is compared with `direct`. The intervals of several targets are not widened for their number, and
    the note says so.
    """
    several = [one for one in found if one.first_training]
    leads = [one.first_training[0] for one in several]
    if len(leads) < 2:
        return Overall(leads[0].text, leads[0].note, leads[0].verdict.state) if leads else None
    one_encoder = len({one.encoder for one in several}) == 1
    names = [one.target if one_encoder else one.title for one in several]
    places: dict[tuple[State, str], list[str]] = {}
    for name, lead in zip(names, leads, strict=True):
        places.setdefault((lead.verdict.state, lead.verdict.reason), []).append(name)
    known = [f"{EFFECT[one]} on {_places(places[one, ''], names)}" for one in EFFECT if (one, "") in places]
    about = {lead.about for lead in leads}
    what = _training(about.pop()) if len(about) == 1 else "Training first"
    said = [f"{what} {listed(known)}."] if known else []
    said += [
        f"Whether {_lowered(what)} helps on {_places(where, names)} is {reason}."
        for (_, reason), where in places.items()
        if reason
    ]
    states = {lead.verdict.state for lead in leads}
    return Overall(" ".join(said), _counts(several), states.pop() if len(states) == 1 else "mixed")


def _places(names: Sequence[str], of: Sequence[str]) -> str:
    if len(names) == len(of):
        return f"all {len(of)} targets"
    return f"{len(names)} of {len(of)} targets" + (f" ({listed(names)})" if len(names) <= _MOST_NAMED else "")


def _counts(found: Sequence[Answer]) -> str:
    """Returns how many comparisons of single intermediates have each verdict, and that targets are judged alone."""
    states = [said.verdict.state for one in found for said in one.first_training if said.about != ANY]
    words = {"up": "a gain", "down": "a loss", "open": "no difference that this study can detect"}
    counts = [f"{states.count(one)} show {word}" for one, word in words.items() if one in states]
    counts += [f"{states.count('unknown')} cannot be judged"] * ("unknown" in states)
    alone = "Each target is judged by itself: intervals are not widened for the number of targets."
    return f"Of {counted(len(states), 'comparison')} of one intermediate with direct, {listed(counts)}. {alone}"


def on_the_mean(frame: pd.DataFrame, what: list[str]) -> list[Row]:
    """Returns each comparison's row for `mean-others`, or for `mean-but-en` if it has no `mean-others`."""
    means = frame[frame["language"].isin([OTHERS, BUT_EN])].sort_values("language", key=lambda one: one != OTHERS)
    return list(means.drop_duplicates(what).sort_index().to_dict("records"))


def _is_trained_everywhere(target: str) -> bool:
    return Target.parse(target).translate == "train"


def _of_mean(row: Row) -> str:
    """Returns a note for a row whose mean is over other languages than the answer's: it has none of these."""
    if row["language"] == OTHERS or _is_trained_everywhere(row["target"]):
        return ""
    return f" on {BUT_EN}, as no other language is left"


def _needs(power: pd.DataFrame) -> Mapping[tuple[str, ...], Row]:
    rows = power[power["language"].isin([OTHERS, BUT_EN])].to_dict("records")
    return {tuple(row[name] for name in ("target", "encoder", "first", "second", "language")): row for row in rows}


def _gain(row: Row, needs: Mapping[tuple[str, ...], Row]) -> Sentence:
    one = row["intermediate"]
    what, verdict = _training(one), Verdict.read(row)
    gain = f"{signed(row['gain'])} points over direct{_of_mean(row)}"
    said = f"{what} {EFFECT[verdict.state]}: {gain}" if verdict.is_known else ""
    said = said or f"Whether {_lowered(what)} helps is {verdict.reason}: it gave {gain}"
    need = needs.get((row["target"], row["encoder"], one, DIRECT, row["language"]))
    return Sentence(said + _interval(*ends(row), verdict), verdict, settling(verdict, need), one)


def _training(intermediate: str) -> str:
    """Returns the subject of a sentence on an intermediate or `any`."""
    average = intermediate == ANY
    return "Training first, on average over the intermediates," if average else f"Training on {intermediate} first"


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


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
        return "".join(f"Which of them is the best on {_ALL}, is {reason}." for reason in reasons) + without
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
