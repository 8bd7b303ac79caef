"""What a board says of a run at any moment."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tasks.progress_state import Board
from xtransfer.base.stage import Stage
from xtransfer.stages import STAGES


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def stage(kind: str, number: int) -> Stage:
    return Stage(kind, 1, f"{kind} {number}", {"number": number})


TRAIN, SCORE = [stage("train", number) for number in range(4)], [stage("score", number) for number in range(4)]


def planned(stages: Sequence[Stage] = (*TRAIN, *SCORE), stored: int = 0) -> tuple[Board, Clock]:
    clock = Clock()
    board = Board(clock)
    board.planned(stages, stored)
    return board, clock


def test_a_stage_weighs_what_its_kind_takes() -> None:
    board, _ = planned([TRAIN[0], SCORE[0]])
    board.started(TRAIN[0])
    board.progressed(TRAIN[0], "training", 50, 100)
    train, score = STAGES["train"].seconds, STAGES["score"].seconds
    assert board.percent() == pytest.approx(100 * 0.5 * train / (train + score), abs=0.05)


def test_measured_durations_replace_declared_ones_and_scale_the_others() -> None:
    board, clock = planned([TRAIN[0], TRAIN[1], SCORE[0]])
    slow = 100 * STAGES["train"].seconds
    board.started(TRAIN[0])
    clock.now += slow
    board.finished(TRAIN[0], None)
    train, score = STAGES["train"].seconds, STAGES["score"].seconds
    assert board.percent() == pytest.approx(100 * train / (2 * train + score), abs=0.05)
    assert board.words().startswith("1 of 3 stages done; about ") and board.words().endswith(" left")


def test_the_table_shows_what_failed_and_what_runs_first() -> None:
    board, clock = planned(stored=3)
    for one in TRAIN[:3]:
        board.started(one)
    clock.now += 2
    board.progressed(TRAIN[2], "training", 1, 4)
    board.finished(TRAIN[0], None)
    board.finished(TRAIN[1], "no space left")
    board.finished(SCORE[1], None)  # it needed TRAIN[1]
    rows = board.rows()
    assert [row["state"] for row in rows] == ["failed", "running", "done", *["waiting"] * 4, "not run"]
    assert rows[0] == {"stage": "train 1", "state": "failed", "seconds": 2.0, "progress": "no space left"}
    assert rows[1]["progress"] == "25% training 1/4" and rows[1]["seconds"] == 2.0
    assert rows[-1]["progress"] == "needs a failed stage"
    assert board.words().startswith("1 of 8 stages done, 1 running, 1 failed, 1 not run, 3 from the store")


def test_a_cut_table_says_how_much_is_cut() -> None:
    board, _ = planned()
    rows = board.rows(5)
    assert len(rows) == 5 and rows[-1]["stage"] == "and 4 more"
    assert len(board.rows()) == len(board.rows(8)) == 8


def test_what_a_stopped_run_leaves_is_neither_running_nor_done() -> None:
    board, clock = planned()
    board.started(TRAIN[0])
    clock.now += 3
    board.stopped()
    assert {row["state"] for row in board.rows()} == {"stopped"}
    assert board.rows()[0]["seconds"] == 3.0
    assert board.percent() == 0 and board.words() == "0 of 8 stages done, 8 stopped"


def test_a_run_without_stages_is_complete() -> None:
    board, _ = planned((), stored=12)
    assert board.is_empty and board.percent() == 100
    assert board.words() == "0 of 0 stages done, 12 from the store"
