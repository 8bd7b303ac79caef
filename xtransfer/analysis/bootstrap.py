"""Intervals for a mean difference over runs (training or encoder seeds) and test items, treating both as samples.

Differences are paired by run and by item. Items are many, so their part is a bootstrap: groups are drawn with
replacement, together for all languages that share them, and the draws keep the shape of the data. Runs are few.
Resampling three of them gives intervals that cover too rarely: their spread is too small by sqrt((k-1)/k), and they
use a normal quantile where Student's is needed. So their part is drawn from Student's t with k-1 degrees of freedom.
`xtransfer.analysis.variance` estimates both parts and scales their sum to the nominal coverage;
`python -m perf.calibration` checks that coverage by simulation.

Where encoders are pooled, a run is an encoder (the mean of its training seeds): resampling only the top level of
nested data keeps the variance right (Davison & Hinkley, "Bootstrap Methods and their Application", 1997, 3.8). With a
single run the spread between runs is unknown: the interval covers items alone, and there is no p value.

Coverage is over all outcomes. If few runs happen to agree closely, the interval is narrow and right less often than
95%, so read intervals of few runs together.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from scipy import special

from xtransfer.analysis.variance import Differences, Part

RESAMPLES = 10_000
_CHUNK = 250  # resamples drawn at once: 250 × 5,000 groups is 10 MB
_BATCH = 500  # columns answered at once: 500 × 10,000 resamples is 40 MB
_KEPT = 2_000  # columns of parts whose draws are kept: 2,000 × 10,000 resamples is 80 MB


@dataclass(frozen=True)
class Interval:
    """Estimates per column, in points. `low` and `high` are NaN if nothing is taken as random, or nothing varied
    around a mean other than 0: few items and runs often agree by chance, which is no certainty.

    `p` is also NaN with a single run, because the spread between runs is unknown.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray  # two-sided, for no difference
    covers: tuple[str, ...]  # what was taken as random: "runs and items", "runs", "items" or "nothing"


def intervals(
    comparisons: Sequence[Differences], *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> list[Interval]:
    """Returns an interval per comparison; equal arguments give equal numbers, independent of other comparisons.

    All comparisons share one set of item draws, so their errors are paired. What comparisons have in common
    (`Items.parts`) is drawn once.
    """
    return answered(comparisons, Counts(resamples, seed), level)


def answered(comparisons: Sequence[Differences], counts: Counts, level: float) -> list[Interval]:
    """Returns what `intervals` does, from draws that other questions may share."""
    return answered_together(comparisons, counts, level, [{} for _ in comparisons])[0]


def answered_together(
    comparisons: Sequence[Differences], counts: Counts, level: float, families: Sequence[Mapping[int, Hashable]]
) -> tuple[list[Interval], dict[Hashable, np.ndarray]]:
    """Returns what `answered` does, and per family the largest deviation [resamples] of its members in half-widths.

    `families`: per comparison column → family. Members' items vary together, their runs independently. A comparison
    with a single run is no member.
    """
    answers: list[Interval] = []
    largest: dict[Hashable, np.ndarray] = {}
    for batch in _batches(comparisons):
        for one, drawn in zip(batch, counts.item_draws(batch), strict=True):
            for column, family in families[len(answers)].items() if len(one.means) > 1 else ():
                own = np.abs(_in_half_widths(one, drawn[:, column], column, level, counts.seed))
                largest[family] = np.maximum(largest.get(family, 0.0), own)
            answers.append(_interval(one, drawn, level, counts.seed))
    return answers, largest


def _in_half_widths(one: Differences, items: np.ndarray, column: int, level: float, seed: int) -> np.ndarray:
    """Returns deviations [resamples] of a column in half-widths of its interval; a mirrored comparison mirrors them.

    The draws of items and independent normal draws of runs get the tails of Student's t with the comparison's degrees
    of freedom (a normal copula).
    """
    variance, runs = one.variance, one.means[:, column]
    share, drawn = variance.share[column], variance.drawn[column]
    normal = items * np.sqrt((1 - share) / drawn) if drawn > 0 else np.zeros(len(items))
    # rounded, for the last bits of a sum differ from processor to processor, and the draws would with them
    rng = np.random.default_rng([seed, 5, crc32(np.abs(runs).round(6).tobytes())])
    normal = normal + np.copysign(np.sqrt(share), runs.mean()) * rng.standard_normal(len(items))
    degrees = float(np.broadcast_to(variance.degrees, one.means.shape[1:])[column])
    return np.asarray(np.interp(normal, _NORMAL, _of_normal(degrees)) / special.stdtrit(degrees, (1 + level) / 2))


_NORMAL = np.linspace(-8, 8, 4001)


@lru_cache(maxsize=1024)
def _of_normal(degrees: float) -> np.ndarray:
    """Returns the quantiles of Student's t that belong to `_NORMAL`; between them, an error is below 1e-4 of it."""
    upper = special.ndtr(-np.abs(_NORMAL))  # the upper tail, in which no digit is lost
    return np.asarray(np.copysign(special.stdtrit(degrees, upper), _NORMAL))


def _batches(comparisons: Sequence[Differences]) -> Iterator[list[Differences]]:
    """Yields batches of comparisons: small enough that their draws fit in memory, large enough to reuse the counts."""
    batch: list[Differences] = []
    for one in comparisons:
        if batch and sum(each.means.shape[1] for each in [*batch, one]) > _BATCH:
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def _interval(one: Differences, items: np.ndarray, level: float, seed: int) -> Interval:
    mean = one.means.mean(axis=0)
    variance = one.variance
    draws = items * variance.item_scale
    if len(one.means) > 1:
        draws += np.sqrt(variance.runs) * _student(len(one.means) - 1, len(draws), seed)[:, None]
    draws *= variance.scale
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    # Adding one to both counts keeps p above zero (Davison & Hinkley 1997, eq. 4.11)
    beyond = np.minimum((mean + draws <= 0).sum(axis=0), (mean + draws >= 0).sum(axis=0))
    p = np.minimum(1.0, 2 * (beyond + 1) / (len(draws) + 1))
    if len(one.means) < 2:  # the spread between runs is unknown
        p = np.full_like(mean, np.nan)
        low, high = (np.where(variance.knows_items, end, np.nan) for end in (low, high))
    low, high, p = (np.where(variance.is_exact(mean), np.nan, end) for end in (low, high, p))
    return Interval(mean, mean + low, mean + high, p, one.covers)


@lru_cache(maxsize=16)  # a study needs the same few many times
def _student(degrees: int, resamples: int, seed: int) -> np.ndarray:
    """Returns Student's t as evenly spaced quantiles in random order, so that the tails are exact."""
    quantiles = special.stdtrit(degrees, (np.arange(resamples) + 0.5) / resamples)
    return np.random.default_rng([seed, degrees]).permutation(np.asarray(quantiles))


class Counts:
    """How often each group of items is drawn: the same counts for every question with one seed.

    Strata with equal numbers of groups share the counts, each in its own order. So they are independent, and languages
    that share no items cost little more than languages that do. Parts that comparisons share are drawn once and the
    most recently used are kept, up to a limit.
    """

    def __init__(self, resamples: int, seed: int) -> None:
        self.resamples, self.seed = resamples, seed
        self._held: dict[int, list[np.ndarray]] = {}
        self._kept: dict[Hashable, np.ndarray] = {}  # by the name of a part, [resamples, languages]

    def item_draws(self, comparisons: Sequence[Differences]) -> list[np.ndarray]:
        """Returns per comparison the deviations [resamples, columns] of its means when item groups are resampled."""
        parts = [one.items.parts if one.items else () for one in comparisons]
        draws = [np.zeros((self.resamples, one.means.shape[1])) for one in comparisons]
        unshared = [(number, one) for number, one in enumerate(comparisons) if not parts[number]]
        alone = [(number, *each) for number, one in unshared for each in _of_items(one)]
        for place, deviations in self._drawn([(stratum, values) for _, stratum, values in alone]):
            draws[alone[place][0]] += deviations
        self._keep([part for own in parts for part in own])
        for number, own in enumerate(parts):
            if own:
                kept = np.concatenate([self._kept[part.name] for part in own], axis=1)
                draws[number] += kept @ np.concatenate([part.weights for part in own]).astype(np.float32)
        return draws

    def _keep(self, parts: Sequence[Part]) -> None:
        """Draws the parts that are not held, and drops the least recently used beyond the limit."""
        wanted = {part.name: part for part in parts}
        new = [part for name, part in wanted.items() if name not in self._kept]
        self._kept |= {name: self._kept.pop(name) for name in wanted if name in self._kept}  # now most recently used
        drawn = self._drawn([(part.stratum, part.influence()) for part in new])
        self._kept |= {new[place].name: deviations for place, deviations in drawn}
        columns = sum(deviations.shape[1] for deviations in self._kept.values())
        for name in [name for name in self._kept if name not in wanted]:
            if columns <= _KEPT:
                break
            columns -= self._kept.pop(name).shape[1]

    def _drawn(self, wanted: Sequence[tuple[str, np.ndarray]]) -> Iterator[tuple[int, np.ndarray]]:
        """Yields place and deviations [resamples, columns] for each wanted stratum and influence [groups, columns]."""
        for groups, users in _by_num_groups(wanted).items():
            drawn = self._deviations(np.concatenate([values for _, _, values in users], axis=1), groups)
            ends = np.cumsum([values.shape[1] for _, _, values in users])[:-1]
            for (place, stratum, _), own in zip(users, np.split(drawn, ends, axis=1), strict=True):
                yield place, own[self._order(stratum)]

    def _order(self, stratum: str) -> np.ndarray:
        return np.random.default_rng([self.seed, 2, crc32(stratum.encode())]).permutation(self.resamples)

    def _deviations(self, influence: np.ndarray, groups: int) -> np.ndarray:
        """Returns deviations [resamples, columns]; influences sum to zero, so counts need not be centred."""
        single = influence.astype(np.float32)  # twice as fast, and precise enough for random draws
        if groups not in self._held:
            self._held[groups] = list(self._draw(groups))
        return np.concatenate([counts.astype(np.float32) @ single for counts in self._held[groups]])

    def _draw(self, groups: int) -> Iterator[np.ndarray]:
        """Yields counts [resamples, groups] in chunks of one byte each; no count comes near 256."""
        rng = np.random.default_rng([self.seed, 1, groups])
        for start in range(0, self.resamples, _CHUNK):
            rows = min(_CHUNK, self.resamples - start)
            picks = rng.integers(0, groups, (rows, groups)) + np.arange(rows)[:, None] * groups
            yield np.bincount(picks.ravel(), minlength=rows * groups).reshape(rows, groups).astype(np.uint8)


def _of_items(one: Differences) -> Iterator[tuple[str, np.ndarray]]:
    """Returns stratum and influence [groups, columns] on the mean over runs."""
    return ((stratum, values.mean(axis=0)) for stratum, values in (one.items.influence.items() if one.items else ()))


def _by_num_groups(wanted: Sequence[tuple[str, np.ndarray]]) -> dict[int, list[tuple[int, str, np.ndarray]]]:
    """Returns number of groups → place, stratum and influence of all with that number."""
    found: dict[int, list[tuple[int, str, np.ndarray]]] = {}
    for number, (stratum, values) in enumerate(wanted):
        found.setdefault(len(values), []).append((number, stratum, values))
    return found
