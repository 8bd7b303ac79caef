"""Calibration of intervals and p values on simulated grids with known truth (`perf.simulated`).

Per setting: false positives at 5% among languages without a difference, coverage of 95% intervals (languages and their
mean), how often Holm's p values give any false positive in a grid, the share of false positives among the languages
that Benjamini and Hochberg's p values call different, and how often a difference with a nominal power of 80% is found.

For comparison, the usual way resamples seeds and items with replacement and takes percentiles, on a part of the grids.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import product

import numpy as np
from rich.console import Console

from perf.measure import machine, parser
from perf.rates import WHAT, Rate, measures, rows, simulate, table, write_markdown
from perf.simulated import SPREADS, TASTES, Setting, differences
from xtransfer.analysis.bootstrap import Counts, Interval, intervals
from xtransfer.analysis.detectable import smallest
from xtransfer.analysis.multiplicity import benjamini_hochberg, holm
from xtransfer.analysis.variance import Differences, Items, Variance

SHAPES = (
    ("500 items × 11 languages", 500, 11, True, 1, 1.0),
    ("5,010 items × 15 languages", 5010, 15, True, 1, 1.0),
    ("500 items of each of 11 languages", 500, 11, False, 1, 1.0),
    ("60 groups of 12 items × 6 languages", 720, 6, True, 12, 1.0),
    ("45% of 1,200 items × 7 languages", 1200, 7, True, 1, 0.45),  # as MLQA
    ("499 of 500 items × 14 languages", 500, 14, True, 1, 0.998),
    ("240 passages of 5 questions × 11 languages", 1200, 11, True, 5, 1.0),  # as XQuAD
)
RUNS = ((1, 2), (1, 3), (1, 5), (1, 10), (3, 5))  # encoders, seeds
GRIDS, RESAMPLES, BATCH = 400, 2000, 25
USUAL = 5  # the usual way runs on 1 in 5 batches
LEVEL, POWER = 0.95, 0.8


def settings() -> list[Setting]:
    """Every combination of shape, number of runs, and strength of effects."""
    return [
        Setting(*shape, *runs, spread, taste) for shape, runs, spread, taste in product(SHAPES, RUNS, SPREADS, TASTES)
    ]


def rates(setting: Setting, grids: int, seed: int) -> dict[str, Rate]:
    """The rates of `WHAT` on `grids` grids of a setting."""
    rng = np.random.default_rng(seed)
    seen: dict[str, list[float]] = {what: [] for what in WHAT}
    found: list[tuple[Variance, Interval]] = []
    for number in range(0, grids, BATCH):
        batch = [differences(setting, rng) for _ in range(min(BATCH, grids - number))]
        # Separate draws per batch: the luck of one set of draws would affect all grids
        answers = intervals(batch, level=LEVEL, resamples=RESAMPLES, seed=seed + number)
        for one, answer in zip(batch, answers, strict=True):
            _note(seen, setting, answer)
            found.append((Variance.of(one), answer))
        if number // BATCH % USUAL == 0:
            seen["usual"] += [_share(*limits, setting.truth[:-1]) for limits in _usual(batch, seed + number)]
    seen["power"] = _found(setting, found)
    return {what: Rate.of(values) for what, values in seen.items()}


def _note(seen: dict[str, list[float]], setting: Setting, answer: Interval) -> None:
    null, p = setting.gains == 0, answer.p[:-1]
    seen["false"].append(float((p[null] <= 1 - LEVEL).mean()))
    seen["covered"].append(_share(answer.low[:-1], answer.high[:-1], setting.truth[:-1]))
    seen["mean"].append(_share(answer.low[-1:], answer.high[-1:], setting.truth[-1:]))
    seen["holm"].append(float((holm(p)[null] <= 1 - LEVEL).any()))
    called = benjamini_hochberg(p) <= 1 - LEVEL
    seen["bh"].append(float((called & null).sum() / max(called.sum(), 1)))


def _share(low: np.ndarray, high: np.ndarray, truth: np.ndarray) -> float:
    return float(((low <= truth) & (truth <= high)).mean())


def _found(setting: Setting, found: Sequence[tuple[Variance, Interval]]) -> list[float]:
    """Per grid, the share of languages without a difference in which a just detectable difference is found.

    It is the one detectable under the true variances (the means over all grids); intervals are shifted by it.
    """
    null = np.flatnonzero(setting.gains == 0)
    first = found[0][0]
    runs, items = (np.mean([getattr(one, part)[null] for one, _ in found], axis=0) for part in ("runs", "items"))
    degrees = np.broadcast_to(first.item_degrees, first.items.shape)[null]
    true = replace(first, runs=runs, items=items, drawn=items, item_degrees=degrees)
    moved = smallest(true.total, true.degrees, LEVEL, POWER)
    return [float(((one.low[null] + moved > 0) | (one.high[null] + moved < 0)).mean()) for _, one in found]


def _usual(batch: Sequence[Differences], seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Per grid, percentiles of the languages' means with runs and item groups drawn with replacement."""
    counts = Counts(RESAMPLES, seed)
    rng = np.random.default_rng([seed, 4])
    for one in batch:
        runs = len(one.means)
        chosen = rng.multinomial(runs, np.full(runs, 1 / runs), RESAMPLES) / runs
        of_items = counts.item_draws([_run(one, number) for number in range(runs)])
        drawn = chosen @ one.means + sum(weight[:, None] * of for weight, of in zip(chosen.T, of_items, strict=True))
        low, high = np.quantile(drawn[:, :-1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        yield low, high


def _run(one: Differences, number: int) -> Differences:
    if one.items is None:
        return Differences(one.means[number : number + 1], None)
    influence = {name: values[number : number + 1] for name, values in one.items.influence.items()}
    return Differences(one.means[number : number + 1], Items(influence, one.items.num_groups))


def _main() -> None:
    asked: Namespace = parser(__doc__ or "", markdown=True).parse_args()
    chosen = [one for one in settings() if not asked.quick or _is_quick(one)]
    grids = BATCH if asked.quick else GRIDS
    found: dict[tuple[str, str], list[dict[str, Rate]]] = {}
    records = []
    for number, (setting, rate) in enumerate(simulate(rates, chosen, grids), 1):
        print(f"{number} of {len(chosen)} settings", end="\r", file=sys.stderr, flush=True)
        found.setdefault((setting.shape, setting.runs), []).append(rate)
        records.append(asdict(setting) | {what: [one.value, one.error] for what, one in rate.items()})
    _show(found, grids, records, asked)


def _is_quick(one: Setting) -> bool:
    return one.items < 5000 and one.shared and one.spread == "2" and one.taste == "weak" and one.seeds <= 3


def _show(
    found: dict[tuple[str, str], list[dict[str, Rate]]], grids: int, records: list[dict[str, object]], asked: Namespace
) -> None:
    everything = [one for rates in found.values() for one in rates]
    lines = rows(found)
    said = (
        "Percent: mean over strengths of effects (least to most), below them over all ± its Monte Carlo error; "
        f"{len(everything)} settings of {grids} grids."
    )
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(table(lines, "Calibration at 95%"))
    console.print(f"{said} {machine()}")
    if asked.markdown is not None:
        write_markdown(lines, said, asked.markdown)
    if asked.json is not None:
        text = json.dumps({"measures": measures(everything), "settings": records}, indent=1)
        asked.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    _main()
