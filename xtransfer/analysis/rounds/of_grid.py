"""The rounds of a recorded study, computed from its scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xtransfer.analysis.grid import Grid
from xtransfer.analysis.paired_difference import BUT_EN, Pairs
from xtransfer.analysis.points import ENGLISH, Point, Result
from xtransfer.analysis.rounds.prior import Prior
from xtransfer.analysis.rounds.race import Race, Round, Scores, rounds
from xtransfer.study.rounds import Rounds, number

Unit = str | int  # a run: a seed of training or, where a study has several, of the encoder
Arm = dict[Unit, list[Point]]


@dataclass(frozen=True)
class Log:
    """The rounds of a study so far."""

    asked: Rounds
    names: tuple[str, ...]  # of the intermediates
    race: Race
    rounds: tuple[Round, ...]
    waiting: tuple[int, ...]  # runs of each that the next look needs; empty if there is none

    @property
    def last(self) -> Round | None:
        return self.rounds[-1] if self.rounds else None


class _Scores:
    """Reads the scores of chosen runs from a grid, as a race asks for them."""

    def __init__(self, grid: Grid, arms: Sequence[Arm], units: Sequence[Unit], language: str) -> None:
        self._grid, self._arms, self._units, self._language = grid, arms, units, language

    def __call__(self, counts: tuple[int, ...]) -> Scores | None:
        chosen = [[arm.get(unit, []) for unit in self._units[:count]]
                  for arm, count in zip(self._arms, counts, strict=True)]  # fmt: skip
        if not all(points and not any(point in self._grid.missing for point in points)
                   for runs in chosen for points in runs):  # fmt: skip
            return None
        usable = [[self._usable(points) for points in runs] for runs in chosen]
        common = self._common(usable)
        scores = np.full((len(self._arms), len(self._units)), np.nan)
        for arm, runs in enumerate(usable):
            for run, results in enumerate(runs):
                if results and common:
                    scores[arm, run] = np.mean([[one.values[code] for code in common] for one in results])
        size = len(self._arms)
        items, degrees = np.zeros((size, size)), np.full((size, size), np.inf)
        for one in range(size):
            for other in range(one + 1, size):
                variance, freedom = self._items(usable[one], usable[other], common)
                items[one, other] = items[other, one] = variance
                degrees[one, other] = degrees[other, one] = freedom
        return scores, items, degrees

    def _usable(self, points: Sequence[Point]) -> list[Result]:
        """Returns the results of a run; none if one of its cells learnt nothing."""
        found = [self._grid.usable[point] for point in points if point in self._grid.usable]
        return found if len(found) == len(points) else []

    def _common(self, usable: Sequence[Sequence[Sequence[Result]]]) -> tuple[str, ...]:
        """Returns the languages that the question is about and that all results have."""
        scored = [set(one.values) for runs in usable for results in runs for one in results]
        shared = set.intersection(*scored) if scored else set()
        if self._language != BUT_EN:
            return (self._language,) if self._language in shared else ()
        return tuple(sorted(shared - {ENGLISH}))

    def _items(
        self, one: Sequence[list[Result]], other: Sequence[list[Result]], common: tuple[str, ...]
    ) -> tuple[float, float]:
        """Returns the variance of the mean difference by test items, and its degrees of freedom."""
        shared = [(mine, theirs) for mine, theirs in zip(one, other, strict=False) if mine and theirs]
        pairs: Pairs = {
            (a.point.encoder, a.point.seed): [(a, b)]
            for mine, theirs in shared
            for a, b in zip(mine, theirs, strict=True)
        }
        pooled = isinstance(self._units[0], str)
        made = self._grid.compare(pairs, pooled=pooled, only=frozenset({*common, ENGLISH}))
        if made is None or not common:
            return 0.0, np.inf
        column = made.columns.index(self._language)
        variance = made.differences.variance
        freedom = np.broadcast_to(variance.item_degrees, variance.items.shape)
        return float(variance.items[column]), float(freedom[column])


def log(grid: Grid) -> Log | None:
    """Returns the rounds of a grid's study; None if it is not run by rounds."""
    study = grid.by_rounds
    if study is None or (asked := study.rounds) is None:
        return None
    several, target = len(study.encoders) > 1, asked.target_in(study)
    units: list[Unit] = [*sorted(study.encoders, key=number)] if several else [*sorted(study.seeds)]
    names = tuple(one.slug for one in study.intermediates)
    arms: list[Arm] = [{} for _ in names]
    for point in (point for point in grid.points if point.target == target):
        unit: Unit = point.encoder if several else point.seed
        arms[names.index(point.intermediate)].setdefault(unit, []).append(point)
    reference = names.index(asked.against) if asked.against else None
    prior = Prior.of(names, asked.prior)
    race = Race(len(names), len(units), reference, asked.within, asked.until, prior=prior)
    found, waiting = rounds(race, _Scores(grid, arms, units, asked.language))
    return Log(asked, names, race, tuple(found), waiting)
