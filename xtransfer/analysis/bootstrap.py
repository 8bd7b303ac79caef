"""Intervals for a mean difference over runs (training or encoder seeds) and test items, both of them samples.

Differences are paired by run and by item. Items are many, so their part is a bootstrap: groups are drawn with
replacement, together for all languages that share them, and the draws carry the shape of the data. Runs are few.
Resampling three of them gives intervals that cover too rarely: their spread is too small by sqrt((k-1)/k), and a
normal quantile stands where Student's belongs. So their part is drawn from Student's t with k-1 degrees of
freedom. `xtransfer.analysis.variance` says how much of each there is and how the sum is made to cover as often as
it says; `python -m perf.calibration` shows by simulation that it does.

Where encoders are pooled, a run is an encoder (the mean of its training seeds): resampling only the top
level of nested data keeps the variance right (Davison & Hinkley, "Bootstrap Methods and their Application",
1997, 3.8). With a single run nothing is known of the spread between runs, and the interval covers items
alone, and there is no p value.

Coverage is over all outcomes. Where few runs happen to agree closely the interval is narrow, and right less often
than 95%: intervals of few runs are best read together.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
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
    """Estimates per column, in points. Where nothing is taken as random `low` and `high` are NaN.

    `p` is NaN with a single run too: what another run would give is not known.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray  # two-sided, for no difference
    covers: tuple[str, ...]  # what was taken as random: "runs and items", "runs", "items" or "nothing"


def intervals(
    comparisons: Sequence[Differences], *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> list[Interval]:
    """An interval for each comparison; the same arguments give the same numbers, whatever else is asked with it.

    All comparisons are answered from one set of draws of items, so that their errors go together. What comparisons have
    in common (`Items.parts`) is drawn once.
    """
    return answered(comparisons, Counts(resamples, seed), level)


def answered(comparisons: Sequence[Differences], counts: Counts, level: float) -> list[Interval]:
    """`intervals`, from draws that other questions may share."""
    answers = []
    for batch in _batches(comparisons):
        draws = counts.item_draws(batch)
        answers += [_interval(one, drawn, level, counts.seed) for one, drawn in zip(batch, draws, strict=True)]
    return answers


def _batches(comparisons: Sequence[Differences]) -> Iterator[list[Differences]]:
    """Few enough columns at a time that their draws fit in memory, many enough that the counts are read seldom."""
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
    if len(one.means) < 2:  # what another run would give is not known
        p = np.full_like(mean, np.nan)
        low, high = (np.where(variance.knows_items, end, np.nan) for end in (low, high))
    return Interval(mean, mean + low, mean + high, p, one.covers)


@lru_cache(maxsize=16)  # a study asks for the same few many times
def _student(degrees: int, resamples: int, seed: int) -> np.ndarray:
    """Student's t as evenly spaced quantiles in random order: exact tails, no luck."""
    quantiles = special.stdtrit(degrees, (np.arange(resamples) + 0.5) / resamples)
    return np.random.default_rng([seed, degrees]).permutation(np.asarray(quantiles))


class Counts:
    """How often each group of items is drawn: the same for all that is asked with one seed.

    Strata of as many groups share the counts, each in an order of its own: so they are independent, and languages
    that share no items cost little more than languages that do. Parts that comparisons share are drawn once and
    kept, those asked for last up to a limit.
    """

    def __init__(self, resamples: int, seed: int) -> None:
        self.resamples, self.seed = resamples, seed
        self._held: dict[int, list[np.ndarray]] = {}
        self._kept: dict[Hashable, np.ndarray] = {}  # by the name of a part, [resamples, languages]

    def item_draws(self, comparisons: Sequence[Differences]) -> list[np.ndarray]:
        """Per comparison the deviations [resamples, columns] of its means when item groups are drawn anew."""
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
        """Draws the parts that are not held, and lets go of those not asked for longest where all are too many."""
        wanted = {part.name: part for part in parts}
        new = [part for name, part in wanted.items() if name not in self._kept]
        self._kept |= {name: self._kept.pop(name) for name in wanted if name in self._kept}  # the last to be let go
        drawn = self._drawn([(part.stratum, part.influence()) for part in new])
        self._kept |= {new[place].name: deviations for place, deviations in drawn}
        columns = sum(deviations.shape[1] for deviations in self._kept.values())
        for name in [name for name in self._kept if name not in wanted]:
            if columns <= _KEPT:
                break
            columns -= self._kept.pop(name).shape[1]

    def _drawn(self, wanted: Sequence[tuple[str, np.ndarray]]) -> Iterator[tuple[int, np.ndarray]]:
        """Place and deviations [resamples, columns] of each stratum and influence [groups, columns] wanted."""
        for groups, users in _by_num_groups(wanted).items():
            drawn = self._deviations(np.concatenate([values for _, _, values in users], axis=1), groups)
            ends = np.cumsum([values.shape[1] for _, _, values in users])[:-1]
            for (place, stratum, _), own in zip(users, np.split(drawn, ends, axis=1), strict=True):
                yield place, own[self._order(stratum)]

    def _order(self, stratum: str) -> np.ndarray:
        return np.random.default_rng([self.seed, 2, crc32(stratum.encode())]).permutation(self.resamples)

    def _deviations(self, influence: np.ndarray, groups: int) -> np.ndarray:
        """Deviations [resamples, columns]; influences sum to zero, so counts need not be centred."""
        single = influence.astype(np.float32)  # half the time, and seven digits of a number that is random anyway
        if groups not in self._held:
            self._held[groups] = list(self._draw(groups))
        return np.concatenate([counts.astype(np.float32) @ single for counts in self._held[groups]])

    def _draw(self, groups: int) -> Iterator[np.ndarray]:
        """Counts [resamples, groups] in chunks, each in one byte: none comes near 256 times."""
        rng = np.random.default_rng([self.seed, 1, groups])
        for start in range(0, self.resamples, _CHUNK):
            rows = min(_CHUNK, self.resamples - start)
            picks = rng.integers(0, groups, (rows, groups)) + np.arange(rows)[:, None] * groups
            yield np.bincount(picks.ravel(), minlength=rows * groups).reshape(rows, groups).astype(np.uint8)


def _of_items(one: Differences) -> Iterator[tuple[str, np.ndarray]]:
    """Stratum and influence [groups, columns] on the mean over runs."""
    return ((stratum, values.mean(axis=0)) for stratum, values in (one.items.influence.items() if one.items else ()))


def _by_num_groups(wanted: Sequence[tuple[str, np.ndarray]]) -> dict[int, list[tuple[int, str, np.ndarray]]]:
    """Number of groups → the place of what has so many, its stratum and its influence."""
    found: dict[int, list[tuple[int, str, np.ndarray]]] = {}
    for number, (stratum, values) in enumerate(wanted):
        found.setdefault(len(values), []).append((number, stratum, values))
    return found
