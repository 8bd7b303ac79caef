"""Gains predicted before a study by rounds: they choose what runs first, and change nothing that is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perf.rounds import Tally, World
from tests.analysis.test_prediction import rows
from tests.analysis.test_rounds import given
from tests.analysis.test_rounds_of_study import made
from tests.running import lab_study
from xtransfer.analysis.prediction.predict import prior
from xtransfer.analysis.rounds.prior import Prior
from xtransfer.analysis.rounds.race import Race, Round, rounds
from xtransfer.analysis.rounds.tables import history, standing, verdict
from xtransfer.base.errors import RequestError
from xtransfer.planning.study_check import check
from xtransfer.study.rounds import Rounds

NAMES = ("a", "b", "c", "d")
SCORES = np.linspace(0, 3, 4)[:, None] + np.random.default_rng(6).normal(size=(4, 8))
WRONG = {"a": (3.0, 0.5), "b": (2.5, 0.5), "c": (-1.0, 0.5), "d": (-3.0, 0.5)}


def said(one: Round) -> tuple[object, ...]:
    return one.runs, one.state, one.first, one.further, one.regret, tuple(one.half_width)


def test_the_best_are_first_with_three_quarters_of_the_probability() -> None:
    alike = Prior(np.zeros(8), np.ones(8))
    assert len(alike.first(None)) == 6  # each is the best with an eighth
    one = Prior(np.array([0.0, 9.0, 0.0, 1.0]), np.ones(4))
    assert one.first(None) == (1, 3)  # two at least, to compare
    assert one.first(0) == (0, 1, 3)


def test_what_is_not_predicted_follows() -> None:
    prior = Prior.of(NAMES, {"b": (1.0, 1.0), "c": (0.0, 1.0)})
    assert prior is not None and prior.first(None) == (1, 2) and prior.first(3) == (1, 2, 3)
    assert Prior.of(NAMES, {"b": (1.0, 1.0)}) is None and Prior.of(NAMES, {}) is None


@pytest.mark.parametrize("until", ["decided", "likely"])
def test_after_its_first_look_a_study_is_what_it_would_have_been(until: str) -> None:
    race = Race(4, 8, until=until)  # type: ignore[arg-type]
    plain, _ = rounds(race, given(SCORES))
    early, *rest = rounds(replace(race, prior=Prior.of(NAMES, WRONG)), given(SCORES))[0]
    assert early.runs == (3, 3, 0, 0) and early.further == (2, 3) and early.state == "going on"
    assert early.regret == np.inf and np.isnan(early.best).all()  # of what did not run nothing is known
    assert [said(one) for one in rest] == [said(one) for one in plain]


def test_a_study_whose_first_learnt_nothing_goes_on() -> None:
    scores = np.where(np.arange(4)[:, None] < 2, np.nan, SCORES)
    found, waiting = rounds(Race(4, 8, prior=Prior.of(NAMES, WRONG)), given(scores))
    assert found[0].further == (2, 3) and len(found) > 1 and waiting == ()
    assert found[-1].first in (2, 3)


def test_the_first_look_waits_for_its_runs_alone() -> None:
    whole, race = given(SCORES), Race(4, 8, prior=Prior.of(NAMES, WRONG))
    assert rounds(race, lambda counts: None) == ([], (3, 3, 0, 0))
    found, waiting = rounds(race, lambda counts: whole(counts) if sum(counts) == 6 else None)
    assert len(found) == 1 and waiting == (3, 3, 3, 3)


@pytest.mark.parametrize("until", ["decided", "likely"])
def test_a_wrong_prior_costs_no_error_rate(until: str) -> None:
    race, tally, rng = Race(4, 6, until=until), Tally(), np.random.default_rng(9)  # type: ignore[arg-type]
    world = World(np.array([0.0, 0.5, 1.0, 2.0]), np.ones(4), 0.3)
    believing = replace(race, prior=Prior.of(NAMES, WRONG))
    for _ in range(200):
        tally.add(world, believing, world.played(believing, rng))
    assert tally.missed / 200 < 0.085 and tally.false / 200 < 0.085


def test_a_study_shows_what_was_predicted(tmp_path: Path) -> None:
    asked = Rounds(until="likely", within=0, prior={"nli@en": (3.0, 0.5), "nli@de": (1.0, 0.5)})
    found, grid = made(tmp_path, asked)
    table = standing(grid).set_index("intermediate")
    first = found.names[found.rounds[-1].first]
    other = "nli@de" if first == "nli@en" else "nli@en"
    assert table["predicted"][other] == {"nli@en": 2.0, "nli@de": -2.0}[other] and table["predicted"][first] == 0
    assert np.isnan(table["predicted"]["direct"])
    told = history(grid)
    assert "predicted to be the best ran first" in told["why"][0] and told["next"][0] == "direct"
    early = verdict(replace(found, rounds=found.rounds[:1]))
    assert early.startswith("nli@en and nli@de ran first, as predicted; of these, ") and "95%" not in early
    assert told["runs"].tolist()[:2] == [3, 3] and told["compared"].tolist()[:2] == [2, 3]


def test_predictions_become_a_prior_for_the_question_of_a_study() -> None:
    gain = {"mnli@en": 2.0, "mnli@de": 4.0}
    known = rows(lambda name, code: gain.get(name, 0.0))
    study = lab_study(encoders=["tiny@0"], intermediates=["direct", "lab-nli@de"], rounds={"target": "lab-inference"})
    found = prior(known, study, ["en", "de", "fr"])
    assert found["direct"] == (0.0, 0.01) and found["lab-nli@de"][1] > 0.1
    assert check(study.with_settings({"rounds": {"target": "lab-inference", "prior": found}})) is None
    assert prior(known.iloc[:0], study, ["en", "de"]) == {} == prior(known, study, ["en"])
    one_target = known[known["target"] == "target0"]
    assert prior(one_target, study, ["en", "de", "fr"]) == {}  # how much a new target may differ is not known


@pytest.mark.parametrize(
    ("prior", "said"),
    [
        ({"lab-nli@xx": [1, 1], "direct": [0, 1]}, "rounds.prior 'lab-nli@xx'"),
        ({"lab-nli@en": [1, 1]}, "predict two intermediates or more"),
        ({"lab-nli@en": [1, 0]}, "greater than 0"),
        ({"lab-nli@en": [1]}, "rounds.prior"),
        ({"lab-nli@en": [1000, 1]}, "less than or equal to 100"),
    ],
)
def test_a_prior_that_makes_no_sense_is_refused(prior: object, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        check(lab_study().with_settings({"rounds": {"prior": prior}}))
