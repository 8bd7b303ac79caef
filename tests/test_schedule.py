"""Only what is missing runs, inputs first, early scores; a failure loses only what needed it."""

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


def _order(schedule: Schedule) -> list[str]:
    order = []
    while (stage := schedule.take()) is not None:
        order.append(stage.name)
        schedule.done(stage.key)
    return order


def test_one_slot_gives_the_first_score_as_early_as_it_can() -> None:
    assert _order(Schedule(STAGES)) == ["encoder", "right", "right score", "middle", "left", "left score"]


def test_where_a_slot_would_end_up_waiting_the_longest_chain_comes_first() -> None:
    order = _order(Schedule(STAGES, slots=2))
    assert order[:2] == ["encoder", "middle"] and len(order) == len(STAGES)


def test_with_much_work_for_each_slot_scores_come_early_and_all_slots_end_together() -> None:
    """Many cells on two slots, played through: the first score comes after one chain, and no slot is idle."""
    middles = [_stage("train", f"middle {number}", ENCODER) for number in range(10)]
    targets = [_stage("train", f"target {number}", middle) for number, middle in enumerate(middles)]
    scores = [_stage("score", f"score {number}", target) for number, target in enumerate(targets)]
    seconds = {"pretrain": 0.0, "train": 10.0, "score": 1.0}
    schedule = Schedule([ENCODER, *middles, *targets, *scores], lambda stage: seconds[stage.kind], slots=2)
    now, running, scored = 0.0, list[tuple[float, str]](), list[float]()
    while True:
        while len(running) < 2 and (stage := schedule.take()) is not None:
            running.append((now + seconds[stage.kind], stage.key))
            if stage.kind == "score":
                scored.append(running[-1][0])
        if not running:
            break
        now, key = min(running)
        running.remove((now, key))
        schedule.done(key)
    assert min(scored) == 21.0 and sorted(scored)[4] <= 63.0
    assert now <= 1.05 * 10 * 21.0 / 2


def test_a_stage_that_is_given_back_comes_again() -> None:
    schedule = Schedule(STAGES)
    first = schedule.take()
    assert first == ENCODER
    schedule.again(ENCODER.key)
    assert schedule.take() == ENCODER and schedule.take() is None


def test_nothing_is_given_twice_or_before_its_inputs() -> None:
    schedule = Schedule(STAGES)
    assert schedule.take() == ENCODER
    assert schedule.take() is None


def test_a_failure_loses_its_readers_alone() -> None:
    schedule = Schedule(STAGES)
    schedule.take()
    schedule.done(ENCODER.key)
    assert schedule.take() == RIGHT
    assert {stage.name for stage in schedule.failed(MIDDLE.key)} == {"left", "left score"}
    assert schedule.take() == MIDDLE


def test_the_estimate_is_bounded_by_work_and_by_the_longest_chain() -> None:
    seconds = {"pretrain": 100.0, "train": 10.0, "score": 1.0}
    assert estimate(STAGES, 1, lambda stage: seconds[stage.kind]) == 132.0
    assert estimate(STAGES, 100, lambda stage: seconds[stage.kind]) == 121.0


def test_a_stage_that_all_others_need_runs_alone() -> None:
    schedule = Schedule(STAGES)
    assert schedule.runs_alone(ENCODER.key)
    assert not schedule.runs_alone(MIDDLE.key)
    assert not Schedule((ENCODER, _stage("translator", "other"))).runs_alone(ENCODER.key)
    assert not Schedule((ENCODER,)).runs_alone(ENCODER.key)


def test_what_is_finished_does_not_change_what_runs_alone() -> None:
    assert Schedule((LEFT, LEFT_SCORE)).runs_alone(LEFT.key)
    assert not Schedule((LEFT, LEFT_SCORE), plan=STAGES).runs_alone(LEFT.key)
