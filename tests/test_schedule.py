"""Only what is missing runs, inputs first, the longest chain first; a failure loses only what needed it."""

from __future__ import annotations

from xtransfer.base.stage import Stage
from xtransfer.planning.schedule import Schedule, estimate, needed
from xtransfer.study.cells import Cell, Plan
from xtransfer.study.intermediate import DIRECT
from xtransfer.study.study import Target, make


def _stage(kind: str, name: str, *inputs: Stage) -> Stage:
    return Stage(kind, 1, name, {"name": name}, {str(number): one.key for number, one in enumerate(inputs)})


ENCODER = _stage("pretrain", "encoder")
MIDDLE = _stage("train", "middle", ENCODER)
LEFT = _stage("train", "left", MIDDLE)
RIGHT = _stage("train", "right", ENCODER)
LEFT_SCORE = _stage("score", "left score", LEFT)
RIGHT_SCORE = _stage("score", "right score", RIGHT)
STAGES = (ENCODER, MIDDLE, LEFT, RIGHT, LEFT_SCORE, RIGHT_SCORE)
STUDY = make({"name": "s", "encoders": ["e"], "intermediates": ["direct"], "targets": ["t"]})
PLAN = Plan(
    STUDY,
    tuple(
        Cell("e", DIRECT, Target(benchmark="t"), seed, score) for seed, score in enumerate((LEFT_SCORE, RIGHT_SCORE))
    ),
    STAGES,
)


def _needed(*stored: Stage) -> list[str]:
    keys = {stage.key for stage in stored}
    return [stage.name for stage in needed(PLAN, keys.__contains__)]


def test_everything_is_needed_at_first_and_nothing_at_the_end() -> None:
    assert _needed() == [stage.name for stage in STAGES]
    assert _needed(LEFT_SCORE, RIGHT_SCORE) == []


def test_what_only_a_finished_score_needed_is_not_made_again() -> None:
    assert _needed(LEFT_SCORE) == ["encoder", "right", "right score"]
    assert _needed(LEFT_SCORE, RIGHT) == ["right score"]


def test_inputs_come_first_and_the_longest_chain_first() -> None:
    schedule = Schedule(STAGES)
    order = []
    while (stage := schedule.take()) is not None:
        order.append(stage.name)
        schedule.done(stage.key)
    assert order[:2] == ["encoder", "middle"] and set(order[2:4]) == {"left", "right"}
    assert len(order) == len(STAGES)


def test_nothing_is_given_twice_or_before_its_inputs() -> None:
    schedule = Schedule(STAGES)
    assert schedule.take() == ENCODER
    assert schedule.take() is None


def test_a_failure_loses_its_readers_alone() -> None:
    schedule = Schedule(STAGES)
    schedule.take()
    schedule.done(ENCODER.key)
    assert schedule.take() == MIDDLE
    assert {stage.name for stage in schedule.failed(MIDDLE.key)} == {"left", "left score"}
    assert schedule.take() == RIGHT


def test_the_estimate_is_bounded_by_work_and_by_the_longest_chain() -> None:
    seconds = {"pretrain": 100.0, "train": 10.0, "score": 1.0}
    assert estimate(STAGES, 1, seconds) == 132.0
    assert estimate(STAGES, 100, seconds) == 121.0


def test_a_stage_that_all_others_need_runs_alone() -> None:
    schedule = Schedule(STAGES)
    assert schedule.runs_alone(ENCODER.key)
    assert not schedule.runs_alone(MIDDLE.key)
    assert not Schedule((ENCODER, _stage("translator", "other"))).runs_alone(ENCODER.key)
    assert not Schedule((ENCODER,)).runs_alone(ENCODER.key)


def test_what_is_finished_does_not_change_what_runs_alone() -> None:
    assert Schedule((LEFT, LEFT_SCORE)).runs_alone(LEFT.key)
    assert not Schedule((LEFT, LEFT_SCORE), plan=STAGES).runs_alone(LEFT.key)
