"""Studies by rounds: what a look shows, what runs next, when it stops, and that looking often is paid for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy import stats

from perf.rounds import Tally, World
from xtransfer.analysis.rounds.critical import level_of_each, looks
from xtransfer.analysis.rounds.look import Look, look
from xtransfer.analysis.rounds.race import Race, Scores, rounds


def seen(scores: Sequence[Sequence[float]], level: float = 0.05, sides: int = 2, items: float = 0.0) -> Look:
    values = np.array(scores, float)
    size = len(values)
    variance = items * (1 - np.eye(size))
    return look(values, variance, np.full((size, size), np.inf), level, sides)


def given(scores: Sequence[Sequence[float]], items: float = 0.0) -> Callable[[tuple[int, ...]], Scores]:
    """The scores of a study, of which a race sees as many runs as it asks for."""
    whole = np.array(scores, float)
    size, most = whole.shape

    def asked(counts: tuple[int, ...]) -> Scores:
        shown = np.where(np.arange(most) < np.array(counts)[:, None], whole, np.nan)
        return shown, items * (1 - np.eye(size)), np.full((size, size), np.inf)

    return asked


@pytest.mark.parametrize(
    ("most", "expected"),
    [(3, (3,)), (4, (3, 4)), (6, (3, 4, 5, 6)), (10, (3, 4, 5, 6, 8, 10)), (20, (3, 4, 5, 6, 8, 10, 12, 15, 20))],
)
def test_looks_become_rarer(most: int, expected: tuple[int, ...]) -> None:
    assert looks(most) == expected


def test_one_look_at_one_pair_needs_no_stricter_level() -> None:
    assert level_of_each(2, (5,), 2) == pytest.approx(0.05, rel=0.05)


def test_one_look_at_several_pairs_is_dunnett() -> None:
    """The critical value for three treatments and a control, 12 degrees of freedom, two sides: 2.68 (Dunnett 1964).

    Runs are blocks here: five of them leave (4 - 1)(5 - 1) degrees of freedom. A pair that is more unstable than the
    others counts as such, for which all pay a little.
    """
    level = level_of_each(4, (5,), 2)
    assert 2.45 < stats.t.ppf(1 - level / 2, 12) < 2.68


def test_more_looks_and_more_pairs_are_paid_for() -> None:
    levels = [level_of_each(arms, at, 2) for arms, at in ((2, (3,)), (2, (3, 4, 5)), (4, (3, 4, 5)), (8, (3, 4, 5)))]
    assert levels == sorted(levels, reverse=True)
    assert 0.05 / 3 < levels[1] < 0.03 and level_of_each(4, (3, 4, 5), 1) > levels[2]


def test_two_intermediates_are_compared_by_a_paired_t_test() -> None:
    one, two = np.array([3.0, 5.0, 4.0, 8.0]), np.array([1.0, 4.0, 1.0, 5.0])
    found = seen([one, two])
    interval = stats.ttest_rel(one, two).confidence_interval()
    low, high = found.difference[0, 1] - found.half_width[0, 1], found.difference[0, 1] + found.half_width[0, 1]
    assert (low, high) == pytest.approx((interval.low, interval.high))
    assert found.half_width[0, 0] == found.difference[0, 0] == 0


def test_what_a_run_adds_to_all_counts_for_nothing() -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(4, 5))
    moved = seen(scores + 10 * rng.normal(size=5))
    assert moved.half_width == pytest.approx(seen(scores).half_width)
    assert moved.difference == pytest.approx(seen(scores).difference)


def test_spread_is_shared_but_an_unstable_intermediate_counts_as_such() -> None:
    rest = np.array([[1, -1, 0], [-1, 0, 1], [0, 1, -1]], float)
    wild = np.array([[1, -1, 0], [-1, 0, 1], [20, -20, 0]], float)
    calm, shaken = seen(rest), seen(wild)
    assert calm.degrees == 4
    assert shaken.of_runs[0, 2] >= np.var(wild[0] - wild[2], ddof=1) / 3
    assert calm.of_runs == pytest.approx(1 - np.eye(3))  # 2 × 6 squares / 4 degrees of freedom / 3 runs


def test_unequal_numbers_of_runs_are_compared_on_those_that_both_have() -> None:
    nothing = np.nan
    found = seen([[1, 2, 3, 4], [2, 3, 5, nothing], [nothing, 9, nothing, nothing]])
    assert found.difference[1, 0] == pytest.approx(4 / 3) and found.runs[1, 0] == 3
    assert np.isnan(found.difference[2, 0]) and np.isinf(found.half_width[2, 0])
    assert found.effects.argmax() == 2


def test_what_is_settled_runs_no_more() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(4, 8)) * 0.3
    found, waiting = rounds(Race(4, 8, within=0.0), given(np.array([[10], [9.9], [0], [1]]) + noise))
    assert waiting == () and found[0].further == (0, 1)
    assert found[0].runs == (3, 3, 3, 3) and found[-1].runs[2:] == (3, 3)
    assert found[-1].first == 0 and all(one.further == (0, 1) for one in found[:-1])


def test_a_difference_that_does_not_matter_is_settled_too() -> None:
    apart = [0.2, -0.2, 0.1, -0.1, 0.2, -0.2, 0.1, -0.1, 0.2, -0.2]
    scores = [[10 + one for one in apart], [10.1 - one for one in apart], [4 + one / 2 for one in apart]]
    assert rounds(Race(3, 10, within=1.0), given(scores))[0][-1].state == "decided"
    assert rounds(Race(3, 10, within=0.0), given(scores))[0][-1].state != "decided"


def test_the_probability_of_two_is_that_of_student() -> None:
    """With two intermediates it is that of a paired difference: its mean, its error, and runs less one."""
    scores = np.array([[3.0, 5.0, 4.0, 8.0], [1.0, 6.0, 3.0, 5.0]])
    apart = scores[0] - scores[1]
    found, _ = rounds(Race(2, 5, until="likely", within=0.0), given(np.column_stack([scores, [9.0, 9.0]])))
    looked = found[1]
    assert looked.runs == (4, 4)
    expected = stats.t.cdf(apart.mean() / (apart.std(ddof=1) / 2), 3)
    assert looked.best[0] == pytest.approx(expected, abs=0.02) and looked.sure == pytest.approx(expected, abs=0.02)


def test_another_processor_decides_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may find other eigenvectors, each of which has two signs."""
    scores = np.random.default_rng(3).normal(size=(4, 6)) + np.array([0, 0.5, 1, 2])[:, None]
    race = Race(4, 6, until="likely")
    here, _ = rounds(race, given(scores))
    true_eigh = np.linalg.eigh

    def flipped(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, vectors = true_eigh(matrix)
        return values, -vectors

    monkeypatch.setattr(np.linalg, "eigh", flipped)
    there, _ = rounds(race, given(scores))
    assert [one.sure for one in there] == [one.sure for one in here]
    assert all(np.array_equal(one.best, other.best) for one, other in zip(there, here, strict=True))


def test_a_test_set_that_is_too_small_stops_the_study() -> None:
    scores = np.array([[10.0], [9.0], [8.5]]) + np.random.default_rng(0).normal(size=(3, 10)) * 0.1
    found, _ = rounds(Race(3, 10), given(scores, items=4.0))
    assert [one.state for one in found] == ["out of reach"] and found[0].runs == (3, 3, 3)
    assert found[0].regret > 3


def test_until_likely_stops_sooner_than_until_decided() -> None:
    scores = np.linspace(0, 3, 6)[:, None] + np.random.default_rng(4).normal(size=(6, 10))
    used = {until: sum(rounds(Race(6, 10, until=until), given(scores))[0][-1].runs) for until in ("decided", "likely")}
    assert used["likely"] < used["decided"] < 60


def test_intermediates_that_learnt_nothing_are_no_choice() -> None:
    nothing = np.full((3, 4), np.nan)
    found, _ = rounds(Race(3, 4), given(nothing))
    assert [one.state for one in found] == ["nothing to compare"] and found[0].regret == np.inf
    one = np.where(np.arange(3)[:, None] == 1, 5.0, nothing)
    assert [one.state for one in rounds(Race(3, 4), given(one))[0]] == ["nothing to compare"]
    two = np.array([[1, 2, 1, 3], [5, 6, 5.5, 7.5], [np.nan] * 4])
    found, _ = rounds(Race(3, 4, within=10), given(two))
    assert found[-1].first == 1 and found[-1].state != "decided" and 2 in found[0].further  # nothing is known of it


def test_the_next_look_waits_for_its_runs() -> None:
    whole = given([[10, 11, 10, 11, 10, 11], [10.5, 10.2, 10.6, 10.1, 10.8, 10.3]])
    found, waiting = rounds(Race(2, 6), lambda counts: whole(counts) if max(counts) <= 4 else None)
    assert len(found) == 2 and waiting == (5, 5)
    again, _ = rounds(Race(2, 6), whole)
    assert [one.runs for one in again[:2]] == [one.runs for one in found]
    assert again[1].half_width == pytest.approx(found[1].half_width)


@pytest.mark.parametrize("of_runs", [np.ones(4), np.array([1.0, 3.0, 1.0, 3.0])], ids=["alike", "unequal"])
def test_no_difference_is_shown_more_often_than_said(of_runs: np.ndarray) -> None:
    """Where nothing differs, 5% of studies say so somewhere; with a level of 5% at each look far more would."""
    race, tally, rng = Race(4, 6, reference=0), Tally(), np.random.default_rng(8)
    world = World(np.zeros(4), of_runs)
    naive = 0
    for _ in range(400):
        tally.add(world, race, world.played(race, rng))
        scores = rng.normal(size=(4, 6)) * of_runs[:, None]
        naive += any(stats.ttest_rel(scores[0, :runs], scores[arm, :runs]).pvalue < 0.05
                     for runs in looks(6) for arm in (1, 2, 3))  # fmt: skip
    assert tally.false / 400 < 0.085 and naive / 400 > 0.2


def test_the_regret_is_bounded_at_every_look() -> None:
    race, tally, rng = Race(5, 8), Tally(), np.random.default_rng(9)
    world = World(np.array([0, 0, 1.0, 1.4, 2.0]), np.ones(5), 0.5)
    for _ in range(300):
        tally.add(world, race, world.played(race, rng))
    assert tally.missed / 300 < 0.085 and tally.false / 300 < 0.085
