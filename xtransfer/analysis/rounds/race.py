"""A study by rounds: look, run again what may still be the best, and stop when the question is settled.

Which cells run follows from the scores alone, look by look, so a study that was stopped anywhere goes on as if it had
not been, and anybody with its scores can repeat its decisions.

Two things are said after a look. *Bounds* hold for all looks and comparisons together with 95% (`critical`): what is
ruled out, and by how much another may be better. *Probabilities* of being the best belong to joint draws of the means
with the estimated variances.

Until `decided`, all run again that the bounds do not settle, but for those that all runs of the study would hardly
settle. Until `likely`, those run again that are the best in most draws, and the study stops when the first is the best,
or as good, in 95% of draws: for fewer runs, and without a guarantee over looks. How often such a choice is wrong
depends on how close the others are (`python -m perf.rounds --until likely`). The bounds hold either way.

Gains that were predicted before the study (`prior`) choose which intermediates run first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import special

from xtransfer.analysis.rounds.critical import level_of_each, looks
from xtransfer.analysis.rounds.look import Look, look
from xtransfer.analysis.rounds.prior import Prior
from xtransfer.study.rounds import FEWEST_RUNS, Until

State = Literal["going on", "decided", "likely", "out of reach", "no runs left", "nothing to compare"]
Scores = tuple[np.ndarray, np.ndarray, np.ndarray]  # scores, items, item_degrees of `look`

LIKELY = 0.95  # a study stops where the first is the best, or as good, with this probability
FUTILE = 0.05  # and where the probability that it can still be settled is below this
_LEFT_OUT = 0.25  # probability of being the best of all that do not run again, together, until one is likely
_DRAWS = 4_000
_FUTURES, _INNER = 200, 400  # draws of how a study may end, and of the probability that it then has


@dataclass(frozen=True)
class Race:
    """What is asked of a study by rounds."""

    arms: int
    most: int  # runs of an intermediate
    reference: int | None = None  # each other is compared with it; None: which is the best?
    within: float = 0.5  # points that do not matter
    until: Until = "decided"
    alpha: float = 0.05
    prior: Prior | None = None  # chooses which run first

    @property
    def sides(self) -> int:
        return 1 if self.reference is None else 2

    @property
    def level(self) -> float:
        """α' of each comparison of each look."""
        return level_of_each(self.arms, looks(self.most), self.sides, self.alpha)


@dataclass(frozen=True)
class Round:
    """What one look showed, and what follows from it."""

    runs: tuple[int, ...]  # of each intermediate so far
    seen: Look
    state: State
    first: int  # the intermediate with the largest mean, or the one that all others are compared with
    further: tuple[int, ...]  # intermediates that run again
    hope: float  # probability that the study can still be settled; NaN where nothing is known of what is open
    best: np.ndarray  # [arms] probability that each is the best; NaN where that is not asked
    sure: float  # probability that `first` is, or that the difference does not matter; likewise

    @property
    def unknown(self) -> np.ndarray:
        """[arms] whether too few usable runs compare each with `first`."""
        return np.asarray(np.isnan(self.against))

    @property
    def usable(self) -> np.ndarray:
        """[arms] runs of each that learnt something."""
        return np.asarray(np.diagonal(self.seen.runs))

    @property
    def against(self) -> np.ndarray:
        """[arms] points by which each is better than `first`."""
        return np.asarray(self.seen.difference[:, self.first])

    @property
    def half_width(self) -> np.ndarray:
        return np.asarray(self.seen.half_width[:, self.first])

    @property
    def regret(self) -> float:
        """Points by which another may be better than `first`; inf where one is unknown."""
        ends = self.against + self.half_width
        return max(0.0, float(np.where(np.isnan(ends), np.inf, ends).max()))


def rounds(race: Race, scores: Callable[[tuple[int, ...]], Scores | None]) -> tuple[list[Round], tuple[int, ...]]:
    """Returns the rounds so far, and the runs of each intermediate that the next look needs; none if it has ended.

    `scores` takes numbers of runs per intermediate, and returns what `look` takes; None while any of them is missing.
    """
    found: list[Round] = []
    before: Look | None = None
    counts, further = (0,) * race.arms, tuple(range(race.arms))
    first = race.prior.first(race.reference) if race.prior is not None else further
    if len(first) < race.arms:
        counts = tuple(FEWEST_RUNS if arm in first else 0 for arm in further)
        known = scores(counts)
        if known is None:
            return found, counts
        further = tuple(arm for arm in further if arm not in first)
        found.append(_early(race, counts, look(*known, race.level, race.sides), further))
    for runs in looks(race.most):
        counts = tuple(runs if arm in further else own for arm, own in enumerate(counts))
        known = scores(counts)
        if known is None:
            return found, counts
        seen = look(*known, race.level, race.sides)
        found.append(_round(race, counts, _kept(seen, before) if before is not None else seen))
        before = found[-1].seen
        if found[-1].state != "going on":
            break
        further = found[-1].further
    return found, ()


def _early(race: Race, counts: tuple[int, ...], seen: Look, further: tuple[int, ...]) -> Round:
    """Returns the look at those that run first, without bounds and probabilities: their scores are compared with all
    others at the next look."""
    found = _round(race, counts, seen)
    unknown = np.where(np.eye(race.arms, dtype=bool), 0.0, np.inf)
    return replace(found, state="going on", further=further, seen=replace(seen, half_width=unknown), hope=np.nan,
                   best=np.full(race.arms, np.nan), sure=np.nan)  # fmt: skip


def _kept(seen: Look, before: Look) -> Look:
    """Returns a look with the intervals of pairs that got no run since, which would otherwise be looked at again."""
    return replace(seen, half_width=np.where(seen.runs == before.runs, before.half_width, seen.half_width))


def _round(race: Race, counts: tuple[int, ...], seen: Look) -> Round:
    compared = np.isfinite(seen.half_width).sum(axis=1) > 1  # with any other than itself
    first = int(np.where(compared, seen.effects, -np.inf).argmax()) if race.reference is None else race.reference
    if not compared[first]:
        nothing = np.full(race.arms, np.nan)
        return Round(counts, seen, "nothing to compare", first, (), 0.0, nothing, np.nan)
    if race.reference is None:
        return _which_is_best(race, counts, seen, first)
    return _compared_with_one(race, counts, seen, first)


def _which_is_best(race: Race, counts: tuple[int, ...], seen: Look, first: int) -> Round:
    settled = seen.difference[:, first] + seen.half_width[:, first] <= race.within
    settled[first] = True
    known = np.isfinite(seen.half_width[:, first])
    means = np.where(known, seen.difference[:, first], -np.inf)
    rng = np.random.default_rng(0)
    of_runs, of_items = (_joint(part, first) for part in (seen.of_runs, seen.of_items))
    tails = np.sqrt(rng.chisquare(seen.degrees, (_DRAWS, 1)) / seen.degrees)
    drawn = means + _draws(of_runs + of_items, rng, _DRAWS) / tails
    best = np.bincount(drawn.argmax(axis=1), minlength=race.arms) / _DRAWS
    sure = float((drawn.max(axis=1) - drawn[:, first] <= race.within).mean())
    best[~known] = np.nan

    def made(state: State, further: tuple[int, ...] = (), hope: float = 0.0) -> Round:
        return Round(counts, seen, state, first, further, hope, best, sure)

    if settled.all():
        return made("decided", hope=1.0)
    if race.until == "likely" and sure >= LIKELY and known.all():
        return made("likely", hope=1.0)
    if max(counts) == race.most:
        return made("no runs left")
    if race.until == "decided":
        return _to_be_settled(race, seen, first, settled, made)
    further = _contenders(best, known, first)
    last = of_runs * _shrunk(counts, further, race.most) + of_items
    hope = _hope(drawn, last, race.within, rng)
    return made("going on", further, hope) if hope >= FUTILE else made("out of reach", hope=hope)


def _to_be_settled(race: Race, seen: Look, first: int, settled: np.ndarray, made: Callable[..., Round]) -> Round:
    """Returns the round after which those that the remaining runs can settle run again."""
    open_ = [int(arm) for arm in np.flatnonzero(~settled)]
    unknown = [arm for arm in open_ if seen.runs[arm, first] < 2]
    hope = {arm: _hope_of_one(race, seen, first, arm) for arm in open_ if arm not in unknown}
    further = [arm for arm in hope if hope[arm] >= FUTILE]
    if not further and not unknown:
        return made("out of reach", hope=max(hope.values()))
    again = tuple(sorted([first, *unknown, *further]))
    return made("going on", again, min((hope[arm] for arm in further), default=np.nan))


def _contenders(best: np.ndarray, known: np.ndarray, first: int) -> tuple[int, ...]:
    """Returns the first, those that are probably the best, and those of which nothing is known."""
    order = np.argsort(-np.where(known, best, 1.0), kind="stable")
    enough = np.cumsum(np.where(known, best, 0.0)[order]) >= 1 - _LEFT_OUT
    chosen = order[: max(2, int(enough.argmax()) + 1)]
    return tuple(sorted({first, *map(int, chosen)}))


def _shrunk(counts: tuple[int, ...], further: tuple[int, ...], most: int) -> np.ndarray:
    """Returns [arms, arms] by what the covariance by runs shrinks if the contenders get all runs."""
    shares = np.array([count / most if arm in further else 1.0 for arm, count in enumerate(counts)])
    return np.asarray(np.sqrt(np.outer(shares, shares)))


def _hope(drawn: np.ndarray, last: np.ndarray, within: float, rng: np.random.Generator) -> float:
    """Returns the probability that the last look finds the first likely enough.

    `drawn` [draws, arms] are possible truths; `last` [arms, arms] is the covariance of the means at that look.
    """
    rest = _draws(last, rng, _FUTURES + _INNER)
    means = drawn[:_FUTURES] + rest[:_FUTURES]
    later = means[:, None] + rest[None, _FUTURES:]
    of_first = np.take_along_axis(later, means.argmax(axis=1)[:, None, None], axis=2)[:, :, 0]
    sure = (later.max(axis=2) - of_first <= within).mean(axis=1)
    return float((sure >= LIKELY).mean())


def _joint(variance: np.ndarray, first: int) -> np.ndarray:
    """Returns the covariance [arms, arms] of differences from `first`, from the variances of all differences."""
    return np.asarray((variance[:, [first]] + variance[[first]] - variance) / 2)


def _draws(covariance: np.ndarray, rng: np.random.Generator, number: int) -> np.ndarray:
    """Returns normal draws [number, arms]; negative variances, which can occur by chance, count as zero.

    The root is the symmetric one: which eigenvectors are found differs from processor to processor, and it does not.
    """
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return np.asarray(rng.standard_normal((number, len(values))) @ root)


def _compared_with_one(race: Race, counts: tuple[int, ...], seen: Look, first: int) -> Round:
    against, half = seen.difference[:, first], seen.half_width[:, first]
    settled = (against - half > 0) | (against + half < 0) | (np.abs(against) + half <= race.within)
    settled[first] = True
    nothing = np.full(race.arms, np.nan)

    def made(state: State, further: tuple[int, ...] = (), hope: float = 0.0) -> Round:
        return Round(counts, seen, state, first, further, hope, nothing, np.nan)

    if settled.all():
        return made("decided", hope=1.0)
    if max(counts) == race.most:
        return made("no runs left")
    return _to_be_settled(race, seen, first, settled, made)


def _hope_of_one(race: Race, seen: Look, first: int, arm: int) -> float:
    """Returns the probability, from what is known now, that the last look settles a pair.

    The mean over all runs is the present one plus what the remaining runs add, which is normal with the variance of
    the present mean less that of the last one.
    """
    runs = int(seen.runs[arm, first])
    last = float(seen.of_runs[arm, first]) * runs / race.most
    spread = np.sqrt(float(seen.of_runs[arm, first]) - last)
    degrees = (race.arms - 1) * (race.most - 1)
    half = special.stdtrit(degrees, 1 - race.level / race.sides) * np.sqrt(last + seen.of_items[arm, first])
    mean = float(seen.difference[arm, first])

    def below(limit: float) -> float:
        return float(special.ndtr((limit - mean) / spread)) if spread > 0 else float(mean <= limit)

    better = 1 - below(half)
    if race.reference is None:  # the other is not the best, or too little better to matter, or the first is not
        return min(1.0, below(race.within - half) + better)
    alike = max(0.0, below(race.within - half) - below(half - race.within))
    return min(1.0, below(-half) + better + alike)
