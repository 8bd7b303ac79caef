"""The probability that each intermediate is the best, from joint draws of all of them.

In one draw all intermediates get the same test items (as in `xtransfer.analysis.bootstrap`) and the same runs: their
run means come from a multivariate Student's t around the observed means, with the observed covariance over runs and
k - 1 degrees of freedom. So intermediates that do well on the same seeds or items are not treated as independent. The
noise that runs and items share counts once, for all intermediates together: item draws have the covariance of the
items minus that of the shared noise (negative variances, which can occur by chance, are set to zero).

The probability belongs to a confidence distribution: how often each ranks first if the study's uncertainty is as
estimated. It is not a p value: for two equally good intermediates, it is as likely to favour one by much as by
little. Read it beside the contrasts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from xtransfer.analysis.bootstrap import RESAMPLES, Counts
from xtransfer.analysis.grid import Block, Grid, contrast_rows
from xtransfer.analysis.paired_difference import BUT_EN, OTHERS, Comparison
from xtransfer.analysis.variance import Differences, Items, Part, correction, merged
from xtransfer.analysis.verdict import COLUMNS as VERDICT
from xtransfer.analysis.verdict import Verdict

COLUMNS = ("encoder", "target", "language", "intermediate", "value", "best", "expected_rank", "beaten_by", "n_seeds",
           "n_encoders", *(name for name in VERDICT if name != "verdict"))  # fmt: skip

LEVEL = 0.95
_SOME = 50  # draws that show whether anything varies
_DIGITS = 6  # of drawn points: beyond them, intermediates with equal predictions differ by rounding alone


def ranking(grid: Grid, *, resamples: int = RESAMPLES, seed: int = 0) -> pd.DataFrame:
    """Returns the probability that each intermediate (including `direct`) is the best, per target, encoder and
    language or mean.

    Columns: encoder, target, language, intermediate, value (points, mean of the runs that all intermediates share),
    best (probability; ties share it), expected_rank (1 is best), beaten_by (on `mean-but-en`, the intermediates that
    simultaneous intervals of contrasts show to be better: this one is ruled out as the best), n_seeds, n_encoders, and
    those of a `Verdict` except the state itself. With one shared run nothing is ranked: best and expected_rank are NaN.
    An intermediate without a usable run has a row without numbers. `mean-others` is left out, because its languages
    differ by intermediate.
    """
    counts = grid.counts(resamples, seed)
    lines = [line for block in grid.blocks() if (race := _race(grid, block)) for line in _lines(block, race, counts)]
    frame = pd.DataFrame(lines, columns=[*COLUMNS])
    beaten: dict[tuple[str, ...], list[str]] = {}
    for target, encoder, worse, better in _beaten(grid, resamples, seed) if lines else ():
        beaten.setdefault((target, encoder, BUT_EN, worse), []).append(better)
    places = zip(*(frame[name] for name in ("target", "encoder", "language", "intermediate")), strict=True)
    frame["beaten_by"] = [" ".join(beaten.get(place, ())) for place in places]
    return frame


def _beaten(grid: Grid, resamples: int, seed: int) -> Iterator[tuple[str, str, str, str]]:
    """Yields (target, encoder, worse, better) of each contrast on `mean-but-en` that is sure."""
    pairs = grid.table(contrast_rows(grid), LEVEL, resamples, seed)
    for row in pairs[pairs["language"] == BUT_EN].to_dict("records"):
        if row["verdict"] in ("up", "down"):
            worse, better = ("second", "first") if row["verdict"] == "up" else ("first", "second")
            yield row["target"], row["encoder"], row[worse], row[better]


@dataclass(frozen=True)
class _Race:
    """All intermediates of a block over their shared runs, compared with the first of them."""

    names: list[str]
    languages: list[str]
    against_first: Differences  # columns: languages of the second intermediate, of the third …
    values: np.ndarray  # [intermediates, languages] points
    like: Comparison  # one comparison, for what all have in common


def _race(grid: Grid, block: Block) -> _Race | None:
    arms = {name: arm for name, arm in block.arms.items() if arm}
    if len(arms) < 2:
        return None
    first, *others = arms.values()
    runs = [run for run in first if all(run in arm for arm in others)]
    scored = {frozenset(arm[run].values) for arm in arms.values() for run in runs}
    if not scored or not frozenset.intersection(*scored):
        return None
    only = frozenset.intersection(*scored) if len(scored) > 1 else None  # a mean is ranked over the same languages
    pairs = [{run: [(arm[run], first[run])] for run in runs} for arm in others]
    found = [grid.compare(one, pooled=block.pooled, only=only) for one in pairs]
    comparisons = [one for one in found if one is not None]
    shared = set.intersection(*(set(one.columns) for one in comparisons)) - {OTHERS}
    languages = [one for one in comparisons[0].columns if one in shared]
    places = [[one.columns.index(language) for language in languages] for one in comparisons]
    values = [one.values[0][place] for one, place in zip(comparisons, places, strict=True)]
    first_values = comparisons[0].values[1][places[0]]
    return _Race([*arms], languages, _joined(comparisons, places), np.array([first_values, *values]), comparisons[0])


def _joined(comparisons: list[Comparison], places: list[list[int]]) -> Differences:
    """Returns the chosen columns of all comparisons side by side."""
    chosen = list(zip((one.differences for one in comparisons), places, strict=True))
    means = np.concatenate([one.means[:, place] for one, place in chosen], axis=1)
    known = [(one.items, place) for one, place in chosen if one.items is not None]
    if len(known) < len(chosen):
        return Differences(means, None)
    names = known[0][0].influence
    influence = {
        name: np.concatenate([one.influence[name][:, :, place] for one, place in known], axis=2) for name in names
    }
    num_groups = {name: np.concatenate([one.num_groups[name][place] for one, place in known]) for name in names}
    parts = merged(_widened([(one.parts, place) for one, place in known]))
    return Differences(means, Items(influence, num_groups, parts))


def _widened(chosen: list[tuple[tuple[Part, ...], list[int]]]) -> Iterator[Part]:
    """Yields the parts of each comparison, with weights for the chosen columns of all."""
    ends = np.cumsum([len(place) for _, place in chosen])
    for (parts, place), end in zip(chosen, ends, strict=True):
        for part in parts:
            weights = np.zeros((len(part.weights), ends[-1]))
            weights[:, end - len(place) : end] = part.weights[:, place]
            yield replace(part, weights=weights)


def _lines(block: Block, race: _Race, counts: Counts) -> Iterator[dict[str, object]]:
    best, rank = _places(race, counts)
    top, num_runs = race.like.top, len(race.against_first.means)
    for number, language in enumerate(race.languages):
        covers = race.against_first.covers[number].replace("runs", top)
        ranked = not np.isnan(best[0, number])
        covers = covers if ranked or num_runs == 1 else "nothing"
        verdict = Verdict("" if ranked else "unknown", covers, top, num_runs, block.num_planned(top))
        of_place = {"encoder": block.encoder, "target": block.target, "language": language}
        for place, name in enumerate(race.names):
            yield {
                **of_place,
                "intermediate": name,
                "value": race.values[place, number],
                "best": best[place, number],
                "expected_rank": rank[place, number],
                "n_seeds": race.like.num_runs,
                "n_encoders": race.like.num_encoders,
                **verdict.columns,
            }
        absent = replace(verdict, state="unknown", covers="nothing", num_runs=0)
        nothing = dict.fromkeys(("value", "best", "expected_rank"), np.nan) | {"n_seeds": 0, "n_encoders": 0}
        for name in (name for name, arm in block.arms.items() if not arm):
            yield {**of_place, "intermediate": name, **nothing, **absent.columns}


def _places(race: _Race, counts: Counts) -> tuple[np.ndarray, np.ndarray]:
    """Returns the probability of ranking first and the expected rank, each [intermediates, languages]."""
    if len(race.against_first.means) < 2:
        unknown = np.full(race.values.shape, np.nan)
        return unknown, unknown
    drawn = race.against_first.means.mean(axis=0) + joint_draws(race.against_first, counts)
    apart = drawn.reshape(len(drawn), len(race.names) - 1, len(race.languages))
    scores = np.concatenate([np.zeros_like(apart[:, :1]), apart], axis=1).round(_DIGITS)
    exact = _is_exact(scores)
    first = scores == scores.max(axis=1, keepdims=True)
    best = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    beaten_by = [
        ((scores > own) + (scores == own) / 2).sum(axis=1) for own in np.split(scores, len(race.names), axis=1)
    ]
    rank = np.array([above.mean(axis=0) + 0.5 for above in beaten_by])
    return np.where(exact, np.nan, best), np.where(exact, np.nan, rank)


def _is_exact(scores: np.ndarray) -> np.ndarray:
    """Returns per language whether two intermediates differ, and by the same in every draw: nothing varied, by chance.

    `scores`: [resamples, intermediates, languages].
    """
    apart = scores[:_SOME, :, None] - scores[:_SOME, None]
    constant = np.ptp(apart, axis=0) <= 10 * 10.0**-_DIGITS
    return np.asarray((constant & (np.abs(apart[0]) > 10 * 10.0**-_DIGITS)).any(axis=(0, 1)))


def joint_draws(one: Differences, counts: Counts) -> np.ndarray:
    """Returns joint deviations [resamples, columns] of the means over runs and items, in points."""
    draws = counts.item_draws([one])[0] @ _without_shared_noise(one)
    runs = len(one.means)
    if runs > 1:
        rng = np.random.default_rng([counts.seed, 3, runs])
        apart = (one.means - one.means.mean(axis=0)) / np.sqrt(runs * (runs - 1))
        chi = np.sqrt(rng.chisquare(runs - 1, len(draws)) / (runs - 1))
        draws += (rng.standard_normal((len(draws), runs)) @ apart) / chi[:, None]
    return np.asarray(draws)


def _without_shared_noise(one: Differences) -> np.ndarray:
    """Returns the matrix [columns, columns] that gives item draws the covariance of items minus shared noise."""
    columns = one.means.shape[1]
    drawn, kept = np.zeros((columns, columns)), np.zeros((columns, columns))
    for name, values in one.items.influence.items() if one.items else ():
        mean = values.mean(axis=0)
        drawn += mean.T @ mean
        corrected = np.sqrt(correction(one.items.num_groups[name])) if one.items else np.ones(columns)
        kept += np.outer(corrected, corrected) * (mean.T @ mean)
        if len(values) > 1:
            apart = (values - mean).reshape(-1, columns) * corrected
            kept -= (apart.T @ apart) / (len(values) * (len(values) - 1))
    return np.asarray(_power(drawn, -0.5) @ _power(kept, 0.5))


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """Returns a power of a symmetric matrix; eigenvalues that are negative or near zero count as zero."""
    values, vectors = np.linalg.eigh(matrix)
    usable = values > 1e-10 * max(values.max(initial=0.0), 0.0)
    powers = np.zeros_like(values)
    powers[usable] = values[usable] ** exponent
    return np.asarray((vectors * powers) @ vectors.T)
