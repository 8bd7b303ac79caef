"""Gains predicted before a study by rounds: they choose what runs, and change nothing that is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perf.rounds import Tally, World
from tests.analysis.test_prediction import rows
from tests.analysis.test_rounds import given, made
from tests.running import lab_study
from xtransfer.analysis.prediction.predict import prior
from xtransfer.analysis.rounds.prior import Prior
from xtransfer.analysis.rounds.race import Race, Round, rounds
from xtransfer.analysis.rounds.tables import history, standing
from xtransfer.base.errors import RequestError
from xtransfer.planning.study_check import check
from xtransfer.study.rounds import Rounds

SCORES = np.linspace(0, 2, 5)[:, None] + np.random.default_rng(6).normal(size=(5, 10))


def said(one: Round) -> tuple[object, ...]:
    return one.runs, one.first, one.regret, one.sure, tuple(one.best), tuple(one.half_width)


def test_what_is_believed_of_a_pair_is_the_mean_weighted_by_precision() -> None:
    prior = Prior(np.array([0.0, 3.0]), np.array([1.0, 1.0]))  # a difference of 3, variance 2
    means, covariance = prior.updated(np.array([0.0, 1.0]), np.diag([0.0, 0.5]), 0)
    assert means == pytest.approx([0, (3 / 2 + 1 / 0.5) / (1 / 2 + 1 / 0.5)])
    assert covariance == pytest.approx(np.diag([0, 1 / (1 / 2 + 1 / 0.5)]))


def test_what_is_believed_of_three_is_that_of_the_joint_normal() -> None:
    prior = Prior(np.array([1.0, 0.0, 2.0]), np.array([0.5, 1.0, 2.0]))
    seen = np.array([[0.6, 0.2], [0.2, 0.9]])
    whole = np.zeros((3, 3))
    whole[1:, 1:] = seen
    means, covariance = prior.updated(np.array([0.0, 1.0, -1.0]), whole, 0)
    before = np.array([[1.25, 0.25], [0.25, 4.25]])
    expected = np.linalg.inv(np.linalg.inv(before) + np.linalg.inv(seen))
    assert covariance[1:, 1:] == pytest.approx(expected)
    assert means[1:] == pytest.approx(
        expected @ (np.linalg.solve(before, [-1.0, 1.0]) + np.linalg.solve(seen, [1.0, -1.0]))
    )


def test_of_an_intermediate_without_a_score_nothing_is_believed() -> None:
    means, covariance = Prior(np.zeros(3), np.ones(3)).updated(np.array([-np.inf, 0.0, 1.0]), np.eye(3), 1)
    assert means[0] == -np.inf and covariance[0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("until", ["decided", "likely"])
def test_a_prior_that_knows_nothing_changes_nothing(until: str) -> None:
    race = Race(5, 10, until=until)  # type: ignore[arg-type]
    names = [f"arm{number}" for number in range(5)]
    found, _ = rounds(race, given(SCORES))
    vague, _ = rounds(replace(race, prior=Prior.of(names, {"arm1": (5.0, 100.0)})), given(SCORES))
    assert [said(one) for one in found] == [said(one) for one in vague]
    assert Prior.of(names, {}) is None


@pytest.mark.parametrize("until", ["decided", "likely"])
def test_a_prior_chooses_what_runs_and_nothing_that_is_said(until: str) -> None:
    race = Race(5, 10, until=until, within=0.0)  # type: ignore[arg-type]
    plain = rounds(race, given(SCORES))[0][0]
    wrong = Prior(np.array([9.0, 0, 0, 0, -9.0]), np.full(5, 0.1))
    right = Prior(np.linspace(0, 2, 5), np.full(5, 0.1))
    for predicted in (wrong, right):
        assert said(rounds(replace(race, prior=predicted), given(SCORES))[0][0]) == said(plain)
    chosen = {
        name: rounds(replace(race, prior=one), given(SCORES))[0][0].further
        for name, one in {"wrong": wrong, "right": right}.items()
    }
    assert chosen["wrong"] != chosen["right"]
    if until == "likely":
        assert 0 in chosen["wrong"] and 0 not in chosen["right"]


@pytest.mark.parametrize("until", ["decided", "likely"])
def test_a_wrong_prior_costs_no_error_rate(until: str) -> None:
    race, tally, rng = Race(4, 6, until=until), Tally(), np.random.default_rng(9)  # type: ignore[arg-type]
    world = World(np.array([0.0, 0.5, 1.0, 2.0]), np.ones(4), 0.3)
    believing = replace(race, prior=Prior(np.array([3.0, 0.5, 0.0, -3.0]), np.full(4, 0.3)))
    for _ in range(200):
        tally.add(world, believing, world.played(believing, rng))
    assert tally.missed / 200 < 0.085 and tally.false / 200 < 0.085


def test_a_study_shows_what_was_predicted(tmp_path: Path) -> None:
    asked = Rounds(until="likely", within=0, prior={"nli@en": (3.0, 1.0), "nli@de": (1.0, 1.0)})
    found, grid = made(tmp_path, asked)
    table = standing(grid).set_index("intermediate")
    first = found.names[found.rounds[-1].first]
    other = "nli@de" if first == "nli@en" else "nli@en"
    assert table["predicted"][other] == {"nli@en": 2.0, "nli@de": -2.0}[other] and table["predicted"][first] == 0
    assert np.isnan(table["predicted"]["direct"])
    assert any("with the prediction" in why for why in history(grid)["why"])


def test_predictions_become_a_prior_for_the_question_of_a_study() -> None:
    gain = {"mnli@en": 2.0, "mnli@de": 4.0}
    known = rows(lambda name, code: gain.get(name, 0.0))
    study = lab_study(encoders=["tiny@0"], intermediates=["direct", "lab-nli@de"], rounds={"target": "lab-inference"})
    found = prior(known, study, ["en", "de", "fr"])
    assert found["direct"] == (0.0, 0.01) and found["lab-nli@de"][1] > 0.1
    assert check(study.with_settings({"rounds": {"target": "lab-inference", "prior": found}})) is None
    assert prior(known.iloc[:0], study, ["en", "de"]) == {} == prior(known, study, ["en"])


@pytest.mark.parametrize(
    ("prior", "said"),
    [
        ({"lab-nli@xx": [1, 1]}, "rounds.prior"),
        ({"lab-nli@en": [1, 0]}, "greater than 0"),
        ({"lab-nli@en": [1]}, "rounds.prior"),
        ({"lab-nli@en": [1000, 1]}, "less than or equal to 100"),
    ],
)
def test_a_prior_that_makes_no_sense_is_refused(prior: object, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        check(lab_study().with_settings({"rounds": {"prior": prior}}))
