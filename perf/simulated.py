"""Simulated grids with known truth: right and wrong answers of two conditions, over random runs and items.

An answer is right if a latent number is above zero: the sum of the condition's level, the item's difficulty, the
condition's effect on the item, the run's effect, and noise, all normal. So the expected score is exact: the normal
distribution function of the level over the root of the effects' variance plus one. Half of the languages have no
difference; in the others the second condition is better by about seven points.

Strengths span those observed. A seed moves a language's difference by about 0.5 points (large encoders on thousands of
rows), 2 or 6 (the tiny encoder of docs/explanation/lab-full-gains.csv). Two trainings of a condition differ on about
one item in five; a condition's effect on single items is weak or strong relative to that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from xtransfer.analysis.variance import Differences, Items

SPREADS = {"0.5": 0.025, "2": 0.1, "6": 0.3}  # effect of a seed on a difference, in points → latent
TASTES = {"weak": 0.4, "strong": 1.2}  # latent: effect of a condition on an item, the same in all its runs
LEVEL, GAIN = 0.6, 0.45  # latent: about 60% right, and about 7 points more
DIFFICULTY = 2.0  # latent: of an item, shared by both conditions
_NORMAL = stats.norm.ppf((np.arange(2**16) + 0.5) / 2**16).astype(np.float32)  # a table: four times as fast as drawing
_COMMON = 0.6  # share of the effects of items and runs that all languages have in common


@dataclass(frozen=True)
class Setting:
    """The shape of a grid."""

    shape: str  # its name
    items: int
    languages: int
    shared: bool  # the same items in all languages
    group: int  # items that belong together
    part: float  # of the items, that each language has
    encoders: int  # 1: runs are seeds; else encoders are pooled
    seeds: int
    spread: str  # key of SPREADS
    taste: str  # key of TASTES

    @property
    def runs(self) -> str:
        return f"{self.seeds} seeds" if self.encoders == 1 else f"{self.encoders} encoders × {self.seeds} seeds"

    @property
    def num_runs(self) -> int:
        return self.seeds if self.encoders == 1 else self.encoders

    @property
    def gains(self) -> np.ndarray:
        """Latent gain per language."""
        return np.where(np.arange(self.languages) % 2, GAIN, 0.0)

    @property
    def truth(self) -> np.ndarray:
        """Expected difference per language, then of their mean, in points."""
        points = points_of(self, self.gains)
        return np.append(points, points.mean())


def points_of(setting: Setting, gains: np.ndarray) -> np.ndarray:
    """Expected differences in points from no gain, for latent gains."""
    runs = SPREADS[setting.spread] ** 2 * (1 + (setting.encoders > 1))
    scale = np.sqrt(1 + DIFFICULTY**2 + TASTES[setting.taste] ** 2 + runs)
    return np.asarray(100 * (stats.norm.cdf((LEVEL + gains) / scale) - stats.norm.cdf(LEVEL / scale)))


def answers_of(setting: Setting, rng: np.random.Generator, gains: Sequence[float]) -> Iterator[np.ndarray]:
    """Points [runs, items, languages] of a condition for each latent gain, which is the same in all languages."""
    difficulty = DIFFICULTY * _of_items(setting, rng)
    for gain in gains:
        yield 100.0 * _right(setting, rng, np.full(1, gain), difficulty)


def differences(setting: Setting, rng: np.random.Generator) -> Differences:
    """One grid: columns are the languages and their mean; runs are encoders if these are pooled."""
    difficulty = DIFFICULTY * _of_items(setting, rng)
    first, second = (_right(setting, rng, level, difficulty) for level in (np.zeros(1), setting.gains))
    has = _has(setting, rng)
    points = 100 * (second.astype(np.int8) - first) * has
    by_group = points.reshape(len(points), -1, setting.group, setting.languages).sum(axis=2)
    runs = by_group.reshape(setting.num_runs, -1, *by_group.shape[1:]).mean(axis=1)  # [runs, groups, languages]
    sizes, items = has.reshape(-1, setting.group, setting.languages).sum(axis=1), has.sum(axis=0)
    means = runs.sum(axis=1) / items
    return Differences(_with_mean(means), _items(setting, (runs - means[:, None] * sizes) / items, sizes > 0))


def _has(setting: Setting, rng: np.random.Generator) -> np.ndarray:
    """[items, languages] Which items each language has, chosen at random."""
    order = rng.permuted(np.tile(np.arange(setting.items)[:, None], setting.languages), axis=0)
    return np.asarray(order < round(setting.part * setting.items))


def _items(setting: Setting, influence: np.ndarray, has: np.ndarray) -> Items:
    """Influence [runs, groups, languages] as strata, for languages that have these groups [groups, languages]."""
    if setting.shared:
        num_groups = np.append(has.sum(axis=0), has.any(axis=1).sum())
        return Items({"all": _with_mean(influence)}, {"all": num_groups})
    strata = {}
    for number in range(setting.languages):
        alone = np.zeros_like(influence)
        alone[:, :, number] = influence[:, :, number]
        strata[f"language {number}"] = _with_mean(alone)
    return Items.of(strata)


def _with_mean(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values, values.mean(axis=-1, keepdims=True)], axis=-1)


def _right(setting: Setting, rng: np.random.Generator, gains: np.ndarray, difficulty: np.ndarray) -> np.ndarray:
    """Answers [runs, items, languages] of one condition."""
    runs = setting.encoders * setting.seeds
    spread = SPREADS[setting.spread]
    of_run = spread * _in_languages(rng, runs, setting.languages)
    if setting.encoders > 1:
        of_run += spread * np.repeat(_in_languages(rng, setting.encoders, setting.languages), setting.seeds, axis=0)
    of_item = difficulty + TASTES[setting.taste] * _of_items(setting, rng) + LEVEL + gains
    noise = _NORMAL[rng.integers(0, len(_NORMAL), (runs, setting.items, setting.languages), dtype=np.uint16)]
    noise += of_item.astype(np.float32)
    noise += of_run[:, None].astype(np.float32)
    return np.asarray(noise > 0)


def _of_items(setting: Setting, rng: np.random.Generator) -> np.ndarray:
    """Effects [items, languages] of variance 1; half of it is the group's if items come in groups."""
    own = _in_languages(rng, setting.items, setting.languages, shared=setting.shared)
    if setting.group == 1:
        return own
    groups = _in_languages(rng, setting.items // setting.group, setting.languages, shared=setting.shared)
    return np.asarray((own + np.repeat(groups, setting.group, axis=0)) / np.sqrt(2))


def _in_languages(rng: np.random.Generator, units: int, languages: int, *, shared: bool = True) -> np.ndarray:
    """Effects [units, languages] of variance 1, partly common to all languages if units are shared."""
    own = rng.standard_normal((units, languages))
    if not shared:
        return own
    common = rng.standard_normal((units, 1))
    return np.asarray(np.sqrt(_COMMON) * common + np.sqrt(1 - _COMMON) * own)
