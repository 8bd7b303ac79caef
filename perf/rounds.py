"""Checks studies by rounds by simulation: error rates, and the cost of deciding beside other rules.

`python -m perf.rounds` prints Markdown: how often a study by rounds says something false, and what it spends, for
studies of several shapes. With `--replay FILE` it does so on a table of real scores (CSV: a row per intermediate, a
column per language, whose names begin with `--columns`), whose differences stay as they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from xtransfer.analysis.rounds.prior import Prior
from xtransfer.analysis.rounds.race import Race, Round, Scores, rounds
from xtransfer.study.rounds import Until

_SEED = 17


@dataclass(frozen=True)
class World:
    """What is true of a study's intermediates, in points."""

    means: np.ndarray  # [arms]
    of_runs: np.ndarray  # [arms] standard deviation of a run
    of_items: float = 0.0  # standard deviation of a difference by test items, the same in every run

    def scored(self, rng: np.random.Generator) -> World:
        """Returns this world as one set of test items shows it."""
        items = rng.normal(size=len(self.means)) * self.of_items / np.sqrt(2)
        return World(self.means + items, self.of_runs)

    def played(self, race: Race, rng: np.random.Generator) -> list[Round]:
        """Returns the rounds of one study."""
        arms = len(self.means)
        shared, own = rng.normal(size=(1, race.most)) * 2, rng.normal(size=(arms, race.most)) * self.of_runs[:, None]
        scores = self.scored(rng).means[:, None] + shared + own
        variance = np.full((arms, arms), self.of_items**2)
        np.fill_diagonal(variance, 0.0)

        def seen(counts: tuple[int, ...]) -> Scores:
            used = np.arange(race.most) < np.array(counts)[:, None]
            return np.where(used, scores, np.nan), variance, np.full((arms, arms), np.inf)

        return rounds(race, seen)[0]


@dataclass
class Tally:
    """What became of the studies of one shape."""

    studies: int = 0
    false: int = 0  # decided for one that is worse by more than does not matter, or a wrong sign at any look
    missed: int = 0  # at any look, a statement that the truth contradicts
    decided: int = 0
    cost: float = 0.0  # share of the grid's runs
    regret: float = 0.0  # points

    def add(self, world: World, race: Race, made: Sequence[Round]) -> None:
        last, means = made[-1], world.means
        self.studies += 1
        self.decided += last.state in ("decided", "likely")
        self.cost += sum(last.runs) / (race.arms * race.most)
        if race.reference is None:
            regrets = [means.max() - means[one.first] for one in made]
            self.regret += regrets[-1]
            self.false += last.state in ("decided", "likely") and regrets[-1] > race.within + 1e-9
            self.missed += any(true > one.regret + 1e-9 for true, one in zip(regrets, made, strict=True))
            return
        apart = means - means[race.reference]
        others = np.arange(race.arms) != race.reference
        low = np.array([one.against - one.half_width for one in made])[:, others]
        high = np.array([one.against + one.half_width for one in made])[:, others]
        apart = apart[others]
        self.false += bool((((low > 0) & (apart <= 0)) | ((high < 0) & (apart >= 0))).any())
        self.missed += bool(((low > apart) | (high < apart)).any())

    def row(self, name: str) -> str:
        shares = (self.false, self.missed, self.decided, self.cost)
        figures = " | ".join(f"{100 * share / self.studies:.1f}" for share in shares)
        return f"| {name} | {figures} | {self.regret / self.studies:.2f} |"


def shapes() -> Iterator[tuple[str, World, Race]]:
    """Studies of several shapes; a run has a standard deviation of 1 point where nothing else is said."""
    for arms, most in ((4, 5), (8, 10)):
        alike, uneven = np.ones(arms), np.where(np.arange(arms) % 2, 3.0, 1.0)
        one = np.append(2.0, np.zeros(arms - 1))
        size = f"{arms} × {most}"
        yield f"{size}, one better by 2", World(one, alike), Race(arms, most)
        yield f"{size}, one better by 2, items 0.7", World(one, alike, 0.7), Race(arms, most)
        yield f"{size}, one better by 2, every second three times as unstable", World(one, uneven), Race(arms, most)
        yield f"{size}, the best one five times as unstable", World(one, alike + 4 * one / 2), Race(arms, most)
        yield f"{size}, from 0 to 4", World(np.linspace(0, 4, arms), alike), Race(arms, most)
        yield f"{size}, one better by 0.6", World(one * 0.3, alike), Race(arms, most)
        yield f"{size}, one better by 1", World(one * 0.5, alike), Race(arms, most)
        yield f"{size}, two equally good", World(np.append(2.0, one)[:arms], alike), Race(arms, most)
        none = np.zeros(arms)
        yield f"{size}, each against the first: none differs", World(none, alike), Race(arms, most, 0)
        yield f"{size}, the same, every second three times as unstable", World(none, uneven), Race(arms, most, 0)
        half = np.where(np.arange(arms) < arms // 2, 0.0, 1.5)
        yield f"{size}, each against the first: half better by 1.5", World(half, alike, 0.3), Race(arms, most, 0)


def _predicted(which: str, means: np.ndarray, rng: np.random.Generator) -> Prior | None:
    """Returns a prior with an error of a point: around the truth, or around the truth turned upside down."""
    if which == "none":
        return None
    truth = means if which == "right" else means.max() + means.min() - means
    return Prior(truth + rng.normal(size=len(means)), np.ones(len(means)))


def errors(studies: int, until: Until, predicted: str = "none") -> Iterator[str]:
    """Yields the lines of the table of error rates."""
    yield "| intermediates × runs | false % | bound missed % | decided % | runs used % | regret |"
    yield "|---|---:|---:|---:|---:|---:|"
    for name, world, asked in shapes():
        race, rng, tally = replace(asked, until=until), np.random.default_rng(_SEED), Tally()
        priors = np.random.default_rng(_SEED + 1)
        for _ in range(studies):
            order = rng.permutation(race.arms) if race.reference is None else np.arange(race.arms)
            one = World(world.means[order], world.of_runs[order], world.of_items)
            believing = replace(race, prior=_predicted(predicted, one.means, priors))
            tally.add(one, believing, one.played(believing, rng))
        yield tally.row(name)


def _uniform(world: World, share: float, rng: np.random.Generator, most: int) -> np.ndarray:
    """Returns the order of intermediates by their mean over as many runs of each as the share of the grid pays."""
    arms = len(world.means)
    runs = share * most
    some = rng.permutation(arms)[: max(1, round(arms * min(1.0, runs)))]  # less than a run of each: of some
    each = max(1, int(runs))
    found = np.full(arms, -np.inf)
    found[some] = world.means[some] + rng.normal(size=len(some)) * world.of_runs[some] / np.sqrt(each)
    return np.argsort(-found)


def _halving(world: World, share: float, rng: np.random.Generator, most: int) -> np.ndarray:
    """Returns the order by successive halving: a run of each, two more of the better half, and so on."""
    arms, budget = len(world.means), share * most * len(world.means)
    total, runs = np.zeros(arms), np.zeros(arms)
    alive, more = np.arange(arms), 1
    while len(alive) and budget >= len(alive):
        for _ in range(more):
            if budget < len(alive):
                break
            total[alive] += world.means[alive] + rng.normal(size=len(alive)) * world.of_runs[alive]
            runs[alive] += 1
            budget -= len(alive)
        means = total[alive] / runs[alive]
        alive = alive[np.argsort(-means)][: max(1, len(alive) // 2)]
        more *= 2
        if len(alive) == 1:
            break
    means = np.where(runs > 0, total / np.maximum(runs, 1), -np.inf)
    return np.lexsort((-means, -runs))


def _top_two(world: World, share: float, rng: np.random.Generator, most: int) -> np.ndarray:
    """Returns the order by top-two Thompson sampling: a run of each, then of the best in one of two draws."""
    arms, budget = len(world.means), int(share * most * len(world.means))
    total, runs = np.zeros(arms), np.zeros(arms)
    spread = float(world.of_runs.mean())
    for step in range(budget):
        if step < arms:
            arm = step
        else:
            drawn = total / runs + rng.normal(size=arms) * spread / np.sqrt(runs)
            arm = int(drawn.argmax())
            if rng.random() < 0.5:
                for _ in range(20):
                    other = int((total / runs + rng.normal(size=arms) * spread / np.sqrt(runs)).argmax())
                    if other != arm:
                        arm = other
                        break
        total[arm] += world.means[arm] + rng.normal() * world.of_runs[arm]
        runs[arm] += 1
    return np.argsort(-np.where(runs > 0, total / np.maximum(runs, 1), -np.inf))


def replay(
    file: Path, studies: int, of_runs: float, of_items: float, most: int, columns: str = "acc_"
) -> Iterator[str]:
    """Yields lines: studies by rounds of the table's intermediates, on the mean and on each language.

    Scores are fractions or points; with a single column, it is the mean.
    """
    table = pd.read_csv(file)
    scores = table[[name for name in map(str, table) if name.startswith(columns)]].dropna(axis=1).to_numpy()
    scores = scores * 100 if scores.max() <= 1 else scores
    problems = [scores.mean(axis=1), *(scores.T if scores.shape[1] > 1 else ())]
    worlds = [World(one, np.full(len(one), of_runs), of_items) for one in problems]
    size = f"{len(scores)} intermediates × {most} runs"
    of = (
        f"{len(worlds) - 1} languages and their mean, {studies} studies of each" if worlds[1:] else f"{studies} studies"
    )
    yield f"{size}; {of}\n"
    yield "| by rounds | false % | bound missed % | stopped as asked % | runs used % | regret |"
    yield "|---|---:|---:|---:|---:|---:|"
    for until in ("decided", "likely"):
        race = Race(len(scores), most, until=until)
        rng, all_ = np.random.default_rng(_SEED), Tally()
        for world in worlds:
            for _ in range(studies):
                all_.add(world, race, world.played(race, rng))
        yield all_.row(f"until {until}")
    share = all_.cost / all_.studies
    if worlds[1:]:
        yield from _first_looks(worlds, most, studies)
    yield f"\nRegret at the cost of the last line ({share:.0%} of the grid) and at half of it:\n"
    yield "| rule | regret@1 | regret@3 | half: regret@1 | regret@3 |"
    yield "|---|---:|---:|---:|---:|"
    rules = {"uniform": _uniform, "successive halving": _halving, "top-two Thompson sampling": _top_two}
    for name, rule in rules.items():
        figures = [one for part in (share, share / 2) for one in _regrets(rule, worlds, part, most, studies)]
        yield f"| {name} | " + " | ".join(f"{one:.2f}" for one in figures) + " |"
    if not worlds[1:]:
        return
    first, three = (float(np.mean([w.means.max() - w.means[_static(worlds, w)[:k]].max() for w in worlds[1:]]))
                    for k in (1, 3))  # fmt: skip
    yield f"| static: the largest mean over the other languages, known without error | {first:.2f} | {three:.2f} | | |"


def _first_looks(worlds: Sequence[World], most: int, studies: int) -> Iterator[str]:
    """Yields what the first look of a study costs and finds, where those run first whose mean over the other languages
    is large."""
    race, rng = Race(len(worlds[0].means), most), np.random.default_rng(_SEED)
    costs, regrets, evenly = [], [], []
    for world in worlds[1:]:
        static = np.mean([one.means for one in worlds[1:] if one is not world], axis=0)
        error = float(np.std(world.means - static))
        believing = replace(race, prior=Prior(static, np.full(len(static), error)))
        for _ in range(studies):
            look = world.played(believing, rng)[0]
            costs.append(sum(look.runs) / (race.arms * most))
            regrets.append(world.means.max() - world.means[look.first])
            order = _uniform(world.scored(rng), costs[-1], rng, most)
            evenly.append(world.means.max() - world.means[order[0]])
    yield (
        f"\nWith the mean over the other languages as prediction, the first look has {np.mean(costs):.0%} of the runs "
        f"and a regret of {np.mean(regrets):.2f}; as many runs spent evenly have {np.mean(evenly):.2f}."
    )


def _static(worlds: Sequence[World], world: World) -> np.ndarray:
    others = np.mean([one.means for one in worlds[1:] if one is not world], axis=0)
    return np.argsort(-others)


def _regrets(
    rule: Callable[[World, float, np.random.Generator, int], np.ndarray],
    worlds: Sequence[World],
    share: float,
    most: int,
    studies: int,
) -> tuple[float, float]:
    rng = np.random.default_rng(_SEED)
    found = [(world, rule(world.scored(rng), share, rng, most)) for world in worlds for _ in range(studies)]
    one, three = (float(np.mean([world.means.max() - world.means[order[:k]].max() for world, order in found]))
                  for k in (1, 3))  # fmt: skip
    return one, three


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--studies", type=int, default=2000, help="simulated studies of each shape")
    asked.add_argument("--prior", choices=("none", "right", "wrong"), default="none", help="predicted gains")
    asked.add_argument("--until", choices=("decided", "likely"), default="decided")
    asked.add_argument("--replay", type=Path, help="CSV with a row per intermediate and a column per language")
    asked.add_argument("--columns", default="acc_", help="how the names of these columns begin (default: acc_)")
    asked.add_argument("--of-runs", type=float, default=0.7, help="standard deviation of a run, in points")
    asked.add_argument("--of-items", type=float, default=0.3, help="of a difference by test items")
    asked.add_argument("--most", type=int, default=10, help="runs of an intermediate at most")
    chosen = asked.parse_args()
    lines = errors(chosen.studies, chosen.until, chosen.prior)
    if chosen.replay:
        lines = replay(chosen.replay, chosen.studies, chosen.of_runs, chosen.of_items, chosen.most, chosen.columns)
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    main()
