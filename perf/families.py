"""How often a study of several intermediates holds a false sentence, on simulated studies of which the truth is known.

Ten intermediates are compared with one baseline, and with each other, on the mean of six languages: all of them without
effect, one that helps, or two that help and two that hurt. "Any false" is the share of studies in which the interval of
an intermediate (of a pair) without effect excludes zero; "found" the share of true effects whose interval does: both
for the pointwise intervals and for those that hold together (`xtransfer.analysis.simultaneous`), which are to keep "any
false" at 5% or less.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np

from perf.measure import machine, parser, put_between
from perf.rates import Rate, simulate
from perf.simulated import Setting, answers_of, points_of
from xtransfer.analysis.bootstrap import Counts, answered_together
from xtransfer.analysis.simultaneous import simultaneous
from xtransfer.analysis.variance import Differences, Items

NUM = 10  # intermediates
EFFECTS = {"none": (), "one of 10 helps": (0.45,), "2 help, 2 hurt": (0.45, 0.45, -0.45, -0.45)}  # latent
SEEDS, SPREADS = (3, 5, 10), ("0.5", "2", "6")
_SETTING = Setting("", 500, 6, True, 1, 1.0, 1, 3, "2", "weak")
STUDIES = 400
_RESAMPLES = 2000
_MOST, _ERRORS = 5, 3  # percent, and standard errors of the simulation by which the worst of many may exceed it
_LEVEL = 0.95


@dataclass(frozen=True)
class Family:
    """A shape of study."""

    effects: str  # key of EFFECTS
    seeds: int
    spread: str

    @property
    def setting(self) -> Setting:
        return replace(_SETTING, seeds=self.seeds, spread=self.spread)

    @property
    def gains(self) -> np.ndarray:
        """[intermediates] latent."""
        own = EFFECTS[self.effects]
        return np.array([*own, *[0.0] * (NUM - len(own))])


def families() -> list[Family]:
    return [Family(*one) for one in product(EFFECTS, SEEDS, SPREADS)]


def rates(one: Family, studies: int, seed: int) -> dict[str, Rate]:
    """Per comparison with the baseline ("gains") and with each other ("contrasts") what the module says."""
    rng = np.random.default_rng(seed)
    seen: dict[str, list[float]] = {}
    for number in range(studies):
        for name, value in _study(one, rng, seed + number):
            seen.setdefault(name, []).append(value)
    return {name: Rate.of(values) for name, values in seen.items()}


def _study(one: Family, rng: np.random.Generator, seed: int) -> Iterator[tuple[str, float]]:
    conditions = [points.mean(axis=2) for points in answers_of(one.setting, rng, [0.0, *one.gains])]  # [runs, items]
    truth = points_of(one.setting, np.array([0.0, *one.gains]))
    pairs = {"gains": [(number, 0) for number in range(1, NUM + 1)], "contrasts": [*combinations(range(1, NUM + 1), 2)]}
    for name, members in pairs.items():
        made = [_difference(conditions[first] - conditions[second]) for first, second in members]
        effect = np.array([truth[first] - truth[second] for first, second in members])
        found, largest = answered_together(made, Counts(_RESAMPLES, seed), _LEVEL, [{0: name}] * len(made))
        joint = simultaneous([(answer, 0) for answer in found], largest[name], _LEVEL)
        ends = {
            "pointwise": [(answer.low[0], answer.high[0]) for answer in found],
            "joint": [(answer.low, answer.high) for answer in joint],
        }
        for kind, limits in ends.items():
            yield from ((f"{name}, {kind}, {what}", value) for what, value in _noted(np.array(limits), effect))


def _noted(limits: np.ndarray, effect: np.ndarray) -> Iterator[tuple[str, float]]:
    sure = (limits[:, 0] > 0) | (limits[:, 1] < 0)
    null = np.abs(effect) < 1e-9
    yield "any false", float(sure[null].any())
    yield "all covered", float(((limits[:, 0] <= effect) & (effect <= limits[:, 1])).all())
    if not null.all():
        yield "found", float(sure[~null].mean())


def _difference(points: np.ndarray) -> Differences:
    """From points [runs, items]."""
    means = points.mean(axis=1, keepdims=True)
    return Differences(means, Items.of({"all": ((points - means) / points.shape[1])[:, :, None]}))


KINDS = ("pointwise", "joint")
_SHOWN = tuple(product(("gains", "contrasts"), ("any false", "found"), KINDS))
HEADINGS = ("effects", "seeds", "points a seed moves", *(f"{name}: {what}, {kind}" for name, what, kind in _SHOWN))


def line(one: Family, found: Mapping[str, Rate]) -> list[str]:
    """A row of the table."""
    rates = (found.get(f"{name}, {kind}, {what}") for name, what, kind in _SHOWN)
    return [one.effects, str(one.seeds), one.spread, *("" if rate is None else str(rate) for rate in rates)]


def _main() -> None:
    asked: Namespace = parser(__doc__ or "", markdown=True).parse_args()
    chosen = families()[:2] if asked.quick else families()
    studies = 10 if asked.quick else STUDIES
    found = list(simulate(rates, chosen, studies))
    lines = [line(*one) for one in found]
    worst = {name: max(rate[f"{name}, joint, any false"].value for _, rate in found) for name in ("gains", "contrasts")}
    said = (
        f"Percent ± Monte Carlo error, {studies} studies each. Most often false, joint: gains {worst['gains']:.1f}, "
        f"contrasts {worst['contrasts']:.1f}; goal: at most 5."
    )
    for one in [HEADINGS, *lines]:
        print(" | ".join(one))
    print(said, machine())
    if asked.markdown is not None:
        put_between("families", [list(HEADINGS), ["---"] * len(HEADINGS), *lines], said, asked.markdown)
    if asked.json is not None:
        measures = [
            {"name": f"{name}: any false", "ours": value, "other": None, "ratio": None, "goal": "at most 5 %",
             "holds": value <= _MOST + _ERRORS * 100 * (_MOST / 100 / studies) ** 0.5}
            for name, value in worst.items()
        ]  # fmt: skip
        asked.json.write_text(json.dumps({"measures": measures}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _main()
