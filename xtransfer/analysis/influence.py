"""The influence of test items on a comparison: how far each group of items moves its means, in every run.

Averaged over runs, a comparison's influence is a sum of the influences of its conditions in single languages. These
are the same in every comparison of the same runs: an intermediate has one contrast with each of the others, and its
items are drawn once for all of them (`xtransfer.analysis.bootstrap`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from xtransfer.analysis.points import Result, same_items
from xtransfer.analysis.strata import Stratum, strata
from xtransfer.analysis.variance import Items, Part, merged

_DIGITS = 12  # of a run's share in a mean, by which parts are known: beyond them is rounding


@dataclass(frozen=True)
class Paired:
    """Two results of one run that are compared, and how the columns are made of the languages."""

    one: Result
    two: Result
    weights: np.ndarray  # [languages, columns]


def of_items(runs: Sequence[Sequence[Paired]], top: Sequence[Sequence[int]], languages: Sequence[str]) -> Items | None:
    """Influence per stratum [top, groups, columns], where `top` says which runs are averaged.

    None where a language has no points per item. Raises DataError where results that are compared scored different
    items.
    """
    results = [result for run in runs for pair in run for result in (pair.one, pair.two)]
    if not all(same_items(results, code) for code in languages):
        return None
    found = strata(results[0].point.target, tuple(results[0].items[code].layout for code in languages))
    used = np.any([pair.weights != 0 for run in runs for pair in run], axis=0)  # [languages, columns]
    return Items(
        _Influence(runs, top, languages, {one.name: one for one in found}),
        {one.name: one.num_groups(used[list(one.members)]) for one in found},
        merged(_parts(runs, top, languages, found)),
    )


@dataclass(frozen=True, eq=False)
class _Influence(Mapping[str, np.ndarray]):
    """Made whenever it is asked for: kept, the comparisons of a large study would fill the memory."""

    runs: Sequence[Sequence[Paired]]
    top: Sequence[Sequence[int]]
    languages: Sequence[str]
    strata: Mapping[str, Stratum]

    def __getitem__(self, name: str) -> np.ndarray:
        own = self.strata[name]
        return np.array([np.mean([self._run(number, own) for number in runs], axis=0) for runs in self.top])

    def __iter__(self) -> Iterator[str]:
        return iter(self.strata)

    def __len__(self) -> int:
        return len(self.strata)

    def _run(self, number: int, own: Stratum) -> np.ndarray:
        """[groups, columns] of the mean over what is compared in one run."""
        codes, members = [self.languages[place] for place in own.members], list(own.members)
        moved = [
            (_of(pair.one, own, codes) - _of(pair.two, own, codes)).T @ pair.weights[members]
            for pair in self.runs[number]
        ]
        return np.asarray(np.mean(moved, axis=0))


def _parts(
    runs: Sequence[Sequence[Paired]],
    top: Sequence[Sequence[int]],
    languages: Sequence[str],
    strata: Sequence[Stratum],
) -> Iterator[Part]:
    for results, shares, weights in _conditions(runs, top):
        for own in strata:
            codes = [languages[number] for number in own.members]
            name = (own.name, *(result.point for result in results), *shares, *codes)
            yield Part(name, own.name, partial(_mean, results, shares, own, codes), weights[list(own.members)])


def _conditions(
    runs: Sequence[Sequence[Paired]], top: Sequence[Sequence[int]]
) -> Iterator[tuple[list[Result], list[float], np.ndarray]]:
    """Either side of what is compared: its results, their shares in a mean over them, and the weights of that mean."""
    found: dict[tuple[int, int, bytes], tuple[np.ndarray, list[Result], list[float]]] = {}
    in_mean = [(runs[number], 1 / (len(top) * len(members))) for members in top for number in members]
    for run, share in in_mean:
        for place, pair in enumerate(run):
            for sign, result in ((1, pair.one), (-1, pair.two)):
                key = (place, sign, pair.weights.tobytes())
                _, results, shares = found.setdefault(key, (sign * pair.weights, [], []))
                results.append(result)
                shares.append(share / len(run))
    for weights, results, shares in found.values():
        total = sum(shares)
        yield results, [round(share / total, _DIGITS) for share in shares], weights * total


def _mean(results: Sequence[Result], shares: Sequence[float], own: Stratum, codes: Sequence[str]) -> np.ndarray:
    """Influence [groups, languages] of a condition: the mean over its results."""
    weighted = [share * _of(result, own, codes) for result, share in zip(results, shares, strict=True)]
    return np.asarray(np.sum(weighted, axis=0).T)


def _of(result: Result, own: Stratum, codes: Sequence[str]) -> np.ndarray:
    """Influence [languages, groups] of a result's items."""
    return own.spread([result.items[code].influence for code in codes])
