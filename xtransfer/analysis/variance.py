"""Splits the variance of a mean difference into a part of the runs and a part of the test items.

Runs and items are crossed, not nested: every run answers the same items. With k runs and G item groups the
variance of the mean is estimated as V_runs + V_items - V_both. V_runs comes from the spread of the k run means
(it holds all that differs between runs, at any level below them), V_items from the spread of the group means;
V_both, the noise that is in each of the two, is counted once (the two-way components of Owen, "The pigeonhole
bootstrap", 2007). V_runs shrinks as runs are added, V_items - V_both does not.

V_runs has k - 1 degrees of freedom, the rest has many. Their sum is the problem of Behrens and Fisher with one
variance as good as known. Adding Student's t for the runs to a normal part for the items covers too often in
between (up to 97.5% for 95% with three runs), Satterthwaite's degrees of freedom, (k-1)/w² with w the share of
V_runs, too rarely (down to 92.2%), since w is itself an estimate. Here the exponent is 2 - 8/(3k), which makes
the largest error as small as a power of w can: by numerical integration over all true shares the 95% interval
covers 94.0 to 96.0% with three runs, 94.7 to 95.4% with five, 94.9 to 95.1% with ten, 92.5 to 97.5% with two.

V_items of G groups has G - 1 degrees of freedom, which matters where groups are few: their part of 1/degrees is added
with the square of its share, as Satterthwaite does. A single group does not show how groups spread: the interval then
covers runs only, and with one run there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

import numpy as np
from scipy import special

NOTHING = 1e-12  # squared points: rounding
_TAIL = 0.975  # the narrowing is right for the 95% interval, and close to it at other levels
_SHARES = np.linspace(0.0, 1.0, 101)
_FEWEST_GROUPS = 2  # of items: how far groups lie apart cannot be seen in one


@dataclass(frozen=True, eq=False)
class Part:
    """Influence on means over runs that several comparisons share, with the weights of one of them."""

    name: Hashable  # equal where the influence is
    stratum: str
    influence: Callable[[], np.ndarray]  # [groups, languages], made when it is needed
    weights: np.ndarray  # [languages, columns]


def merged(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Returns the parts with each name once; weights of equal names are added."""
    found: dict[Hashable, Part] = {}
    for part in parts:
        known = found.get(part.name)
        found[part.name] = replace(known, weights=known.weights + part.weights) if known else part
    return tuple(found.values())


@dataclass(frozen=True)
class Items:
    """The contribution of test items to a comparison.

    `influence[stratum][run, group, column]` is how far a group moves the column's mean: the sum over the
    group of (item's difference - the run's mean), divided by the number of items; it is zero summed over
    groups. Languages that share items share a stratum, and their groups are drawn together; a column may use some
    of them alone. The mean of the influence over runs is the sum over `parts` of influence @ weights, where there are
    any: what other comparisons share need not be drawn again.
    """

    influence: Mapping[str, np.ndarray]
    num_groups: Mapping[str, np.ndarray]  # stratum → [columns] how many groups a column uses
    parts: tuple[Part, ...] = ()

    @classmethod
    def of(cls, influence: Mapping[str, np.ndarray]) -> Items:
        """Returns items of which every column uses all groups."""
        return cls(influence, {name: np.full(one.shape[2], one.shape[1]) for name, one in influence.items()})


@dataclass(frozen=True)
class Differences:
    """One comparison. Columns are what is asked of it: a language, or a mean over several."""

    means: np.ndarray  # [runs, columns] points
    items: Items | None  # None: no points per item

    @property
    def covers(self) -> tuple[str, ...]:
        """Per column, what is taken as random: "runs and items", "runs", "items" or "nothing"."""
        runs = ["runs"] * (len(self.means) > 1)
        return tuple(" and ".join(runs + ["items"] * bool(items)) or "nothing" for items in self.variance.knows_items)

    @cached_property
    def variance(self) -> Variance:
        return Variance.of(self)


@dataclass(frozen=True)
class Variance:
    """Variance of the mean of a comparison per column, in squared points."""

    num_runs: int
    runs: np.ndarray  # zero with a single run, whose spread is unknown
    items: np.ndarray  # V_items - V_both: what more runs would leave
    drawn: np.ndarray  # of the mean over runs when item groups are resampled, uncorrected
    item_degrees: np.ndarray | float = np.inf  # of freedom of `items`: G - 1 for G groups (Satterthwaite for several)
    knows_items: np.ndarray = field(default_factory=lambda: np.ones(1, bool))  # False: no points, or a single group

    @classmethod
    def of(cls, one: Differences) -> Variance:
        runs, columns = one.means.shape
        spread = one.means.var(axis=0, ddof=1) / runs if runs > 1 else np.zeros(columns)
        items, both, drawn, squares = (np.zeros(columns) for _ in range(4))
        knows_items = np.full(columns, one.items is not None)
        for stratum, values in one.items.influence.items() if one.items else ():
            groups = one.items.num_groups[stratum] if one.items else np.zeros(columns)
            knows_items &= (groups == 0) | (groups >= _FEWEST_GROUPS)
            corrected = correction(groups)
            of_mean = np.square(values.mean(axis=0)).sum(axis=0)
            drawn += of_mean
            items += corrected * of_mean
            squares += np.square(corrected * of_mean) / np.maximum(groups - 1, 1)
            if runs > 1:
                both += corrected * values.var(axis=0, ddof=1).sum(axis=0) / runs
        item_degrees = np.divide(np.square(items), squares, out=np.full(columns, np.inf), where=squares > 0)
        return cls(runs, spread, np.maximum(items - both, 0.0), drawn, item_degrees, knows_items)

    @property
    def total(self) -> np.ndarray:
        return np.asarray(self.runs + self.items)

    def is_exact(self, means: np.ndarray) -> np.ndarray:
        """Returns per column whether nothing varied around a mean other than 0: chance, since no study is exact."""
        return np.asarray((self.total <= NOTHING) & (np.abs(means) > np.sqrt(NOTHING)))

    @property
    def item_scale(self) -> np.ndarray:
        """Factor for item draws: V_runs already contains the noise that runs and items share."""
        share = np.divide(self.items, self.drawn, out=np.zeros_like(self.items), where=self.drawn > 0)
        return np.asarray(np.sqrt(share))

    @cached_property
    def share(self) -> np.ndarray:
        """Share of the runs in the variance; 0 if there is no variance."""
        share = np.divide(self.runs, self.total, out=np.zeros_like(self.runs), where=self.total > 0)
        return np.asarray(share)

    @property
    def degrees(self) -> np.ndarray:
        """Degrees of freedom of Student's t for the mean over its standard error."""
        return degrees(self.share, self.num_runs, self.item_degrees)

    @property
    def scale(self) -> np.ndarray:
        """Factor for the sum of both kinds of draws, so that intervals have their nominal coverage.

        It narrows for the runs, and widens for few groups.
        """
        few_groups = special.stdtrit(self.degrees, _TAIL) / special.stdtrit(degrees(self.share, self.num_runs), _TAIL)
        if self.num_runs < 2:
            return np.asarray(few_groups)
        return np.asarray(few_groups * np.interp(self.share, _SHARES, _narrowing(self.num_runs)))


def correction(num_groups: np.ndarray) -> np.ndarray:
    """Returns G/(G-1) for G groups, which corrects a bootstrap that is too narrow; 0 for fewer than two groups."""
    return np.where(num_groups < _FEWEST_GROUPS, 0.0, num_groups / np.maximum(num_groups - 1, 1))


def degrees(share: np.ndarray, num_runs: int | np.ndarray, item_degrees: np.ndarray | float = np.inf) -> np.ndarray:
    """Returns degrees of freedom if runs have `share` of the variance and items, with `item_degrees`, the rest.

    Infinite if neither part is uncertain.
    """
    exponent = 2 - 8 / (3 * num_runs)
    weight = np.power(share, exponent, out=np.zeros_like(share), where=share > 0)
    of_runs = np.divide(weight, num_runs - 1, out=np.zeros_like(share), where=share > 0)
    inverse = of_runs + (1 - share) ** 2 / item_degrees
    return np.asarray(np.divide(1.0, inverse, out=np.full_like(inverse, np.inf), where=inverse > 0))


@cache
def _narrowing(num_runs: int) -> np.ndarray:
    """Returns, per share of the runs, the wanted half-width over that of a normal plus a Student's t part."""
    wanted = np.append(special.ndtri(_TAIL), special.stdtrit(degrees(_SHARES[1:], num_runs), _TAIL))
    part = special.stdtrit(num_runs - 1, (np.arange(2000) + 0.5) / 2000)
    low, high = np.zeros(len(_SHARES) - 2), np.full(len(_SHARES) - 2, 2 * special.stdtrit(num_runs - 1, _TAIL))
    runs, items = np.sqrt(_SHARES[1:-1, None]), np.sqrt(1 - _SHARES[1:-1, None])
    for _ in range(50):
        middle = (low + high) / 2
        below = special.ndtr((middle[:, None] - runs * part) / items).mean(axis=1) < _TAIL
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.concatenate([[1.0], wanted[1:-1] / high, [1.0]])
