"""The log of a task run: some lines with numbers, not one per step, and its own stage's warnings alone."""

from __future__ import annotations

import logging
import threading

import pytest

from tasks.stage_log import ProgressLog, library_logs


class Lines:
    def __init__(self) -> None:
        self.said: list[str] = []

    def info(self, text: str, *values: object) -> None:
        self.said.append(text % values)

    def log(self, level: int, text: str) -> None:
        self.said.append(f"{logging.getLevelName(level)} {text}")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_for_every_tenth_with_numbers_and_the_time_left() -> None:
    lines, clock = Lines(), Clock()
    say = ProgressLog(lines, clock)
    for step in range(0, 1001):
        clock.now = step * 0.5
        say("training", step, 1000, {"loss": 1 / (step + 1), "rate": 2e-5})
    assert len(lines.said) == 11
    assert lines.said[0] == "training 0/1000, loss 1, rate 2e-05"
    assert lines.said[5] == "training 500/1000, loss 0.001996, rate 2e-05, about 4 min 10 s left"
    assert lines.said[-1] == "training 1000/1000, loss 0.000999, rate 2e-05"


def test_a_short_stage_says_little_and_a_long_one_is_heard_of() -> None:
    lines, clock = Lines(), Clock()
    say = ProgressLog(lines, clock)
    for step in range(0, 101):
        clock.now = step * 0.001
        say("predict", step, 100)
    assert lines.said == ["predict 0/100", "predict 100/100"]
    for step in range(1, 7):  # 1% of a training of days
        clock.now += 601
        say("training", step, 1000)
    assert len(lines.said) == 2 + 6


def test_each_thing_that_a_stage_does_has_lines_of_its_own_and_a_restart_too() -> None:
    lines, clock = Lines(), Clock()
    say = ProgressLog(lines, clock)
    for message in ("tokenizer", "training", "training"):
        for step in (1, 50, 99):
            clock.now += 2
            say(message, step, 100)
    assert [line.split(",")[0] for line in lines.said] == [
        *("tokenizer 1/100", "tokenizer 50/100", "tokenizer 99/100"),
        *("training 1/100", "training 50/100", "training 99/100"),
        *("training 1/100", "training 50/100", "training 99/100"),
    ]


def test_a_task_run_hears_the_library_in_its_own_thread_only() -> None:
    mine, log = Lines(), logging.getLogger("xtransfer.somewhere")
    with library_logs(mine):
        log.warning("mine: %d", 1)
        other = threading.Thread(target=log.warning, args=("of another stage",))
        other.start()
        other.join()
    log.warning("later")
    assert mine.said == ["WARNING mine: 1"]


def test_the_handler_goes_when_the_stage_fails() -> None:
    before = list(logging.getLogger("xtransfer").handlers)
    with pytest.raises(ValueError), library_logs(Lines()):
        raise ValueError
    assert logging.getLogger("xtransfer").handlers == before
