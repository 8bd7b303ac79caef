"""The statistics of a study, in display order. To add one, list it in `STATISTICS`; no other code needs to change."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from xtransfer.analysis.statistic import (
    INTERVAL,
    P_VALUE,
    RUNS,
    VERDICT,
    Column,
    Statistic,
    column,
    named,
    p_value,
    percent,
    points,
    signed,
    text,
)
from xtransfer.analysis.verdict import Row
from xtransfer.base.errors import unknown

if TYPE_CHECKING:
    import pandas as pd

    from xtransfer.analysis.grid import Grid


def _gains(grid: Grid) -> pd.DataFrame:
    from xtransfer.analysis import gains

    return gains(grid, grid.store)


def _contrasts(grid: Grid) -> pd.DataFrame:
    from xtransfer.analysis import contrasts

    return contrasts(grid, grid.store)


def _ranking(grid: Grid) -> pd.DataFrame:
    from xtransfer.analysis import ranking

    return ranking(grid)


def _power(grid: Grid) -> pd.DataFrame:
    from xtransfer.analysis import power

    return power(grid)


def _model(grid: Grid) -> pd.DataFrame:
    from xtransfer.analysis import mixed_effects

    return mixed_effects(grid)


def _rounds(grid: Grid) -> pd.DataFrame:
    from xtransfer.analysis.rounds.tables import history

    return history(grid)


def _standing(grid: Grid) -> pd.DataFrame:
    from xtransfer.analysis.rounds.tables import standing

    return standing(grid)


def _sequential(row: Row) -> str:
    if row["state"] in ("first", "reference"):
        return ""
    if row["low"] == -inf:
        return f"at most {signed(row['high'])}" if row["high"] < inf else "not known"
    return f"[{signed(row['low'])}, {signed(row['high'])}]" if row["high"] < inf else "not known"


def _runs_of(row: Row) -> str:
    return text(row["n_runs"]) if row["usable"] == row["n_runs"] else f"{row['n_runs']} ({row['usable']} usable)"


def _beside_predicted(row: Row) -> str:
    predicted, found = signed(row["predicted"]), signed(row["difference"]) or "not known"
    return f"{found} (predicted {predicted})" if predicted else found


def _pair(row: Row) -> str:
    return f"{row['first']} - {row['second']}"


_VERDICT = (
    "verdict: up or down where the 95% interval excludes 0, else open; Holm and BH: p adjusted for the number of "
    "languages; covers: what the interval takes as samples"
)
_ESTIMATED = (
    INTERVAL,
    P_VALUE,
    column("Holm", "p_holm", p_value),
    column("BH", "p_bh", p_value),
    RUNS,
    *named("covers"),
    VERDICT,
)

GAINS = Statistic(
    "gains",
    "Gain of each intermediate over `direct` per language, with its 95% interval and what that covers. On means, the "
    "interval holds for all intermediates together (`low` and `high` in CSV: for one alone).",
    _gains,
    (
        *named("encoder", "target", "intermediate", "language"),
        column("score", "value", points),
        column("gain", "gain", signed),
        *_ESTIMATED,
    ),
    by="language",
    legend=f"score, and gain over direct, in points; {_VERDICT}",
)
CONTRASTS = Statistic(
    "contrasts",
    "First minus second per language, with its 95% interval and what that covers. On means, the interval holds "
    "for all pairs together (`low` and `high` in CSV: for one alone).",
    _contrasts,
    (
        Column("contrast", _pair),
        *named("encoder", "target", "language"),
        column("first", "value", points),
        column("second", "second_value", points),
        column("difference", "difference", signed),
        *_ESTIMATED,
    ),
    by="language",
    legend=f"scores of the first and the second, and their difference, in points; {_VERDICT}",
)
RANKING = Statistic(
    "ranking",
    "The probability that each intermediate (including `direct`) is the best, and its expected rank. `mean-but-en` "
    "includes the languages that an intermediate was trained in.",
    _ranking,
    (
        *named("encoder", "target", "language", "intermediate"),
        column("score", "value", points),
        column("best", "best", percent),
        column("rank", "expected_rank", points),
        column("beaten by", "beaten_by", text),
        RUNS,
        *named("covers"),
        column("verdict", "reason", text),
    ),
    legend="score in points; best: the probability of the highest score; rank: the expected rank, 1 is the best; "
    "beaten by: those that are better on mean-but-en by a simultaneous 95% interval",
    title="Probability of being the best",
)
POWER = Statistic(
    "power",
    "The smallest difference that a study of this size finds with 80% probability, and how many more runs would find "
    "the observed one with the same probability. For planning: it does not say whether there is a difference.\n\n"
    "At level 5%; `--intermediate` chooses comparisons in which it is one of the two.",
    _power,
    (
        *named("encoder", "target"),
        Column("comparison", _pair),
        *named("language"),
        column("difference", "difference", signed),
        column("se runs", "se_runs", points),
        column("se items", "se_items", points),
        column("detectable", "detectable", points),
        column("runs", "n_runs", text),
        *named("advice"),
    ),
    legend="difference, its standard error (se) from runs and from test items, and the smallest difference that would "
    "be found with 80% probability (level 5%), in points",
    title="What more runs would find",
)
MODEL = Statistic(
    "model",
    "A mixed-effects model of the gain: which properties of intermediate and test language go with larger gains.",
    _model,
    (
        *named("target", "term"),
        column("points", "estimate", signed),
        INTERVAL,
        P_VALUE,
        column("gains", "n", text),
        *named("note"),
    ),
    filters=("target", "seed"),
    by=None,
    apart=("target",),
    legend="points: of gain per unit of the term, with the other terms held equal",
    file="mixed-effects",
)

_NO_ROUNDS = "the study does not run by rounds, or has not reached its first look"
ROUNDS = Statistic(
    "rounds",
    "The looks at a study that runs by rounds: what each showed, what ran next, and why. `against` is the one "
    "with the largest mean so far, or the reference; `regret` is by how much, in points, another may be better.",
    _rounds,
    (
        *named("round", "runs", "compared", "against", "settled", "open"),
        column("regret", "regret", points),
        *named("next", "why"),
    ),
    filters=(),
    by=None,
    apart=(),
    absent=_NO_ROUNDS,
    title="Rounds: what was decided, and why",
)
STANDING = Statistic(
    "standing",
    "Where the question of a study that runs by rounds stands: how much better each intermediate is than the first, or "
    "than the one that all are compared with, in points, with an interval that holds for all of them and all looks "
    "together.",
    _standing,
    (
        column("intermediate", "intermediate", text),
        Column("runs", _runs_of),
        Column("difference", _beside_predicted),
        Column("interval", _sequential),
        column("best", "best", percent),
        *named("state"),
    ),
    filters=(),
    by=None,
    apart=(),
    absent=_NO_ROUNDS,
    title="Which is the best, after all rounds",
)

STATISTICS = (GAINS, CONTRASTS, RANKING, POWER, MODEL, ROUNDS, STANDING)


def find(name: str) -> Statistic:
    """Returns the statistic of that name. Raises RequestError, with the nearest name, if there is none."""
    named = {one.name: one for one in STATISTICS}
    if name not in named:
        raise unknown("statistic", name, named)
    return named[name]
