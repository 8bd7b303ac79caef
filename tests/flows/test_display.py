"""What a person sees of names and reasons is what they are: brackets in them are no markup."""

from __future__ import annotations

import io
import re

from rich.console import Console

from flows.display import Display
from tests.running import wait_for
from xtransfer.base.stage import Stage


def test_brackets_are_shown_as_they_are() -> None:
    shown = io.StringIO()
    stage = Stage("odd", 1, "score [b] on [/runs/a]", {})
    with Display(Console(file=shown, force_terminal=True, width=200)) as display:
        display.planned([stage], 0)
        display.started(stage)
        display.progressed(stage, "tried again: [/runs/a] is away", 0, 1)
        display._progress.refresh()
        display.finished(stage, "[/runs/a]: no [b] here")
    text = shown.getvalue()
    assert "tried again: [/runs/a] is away" in text
    assert "score [b] on [/runs/a]: [/runs/a]: no [b] here" in text


def test_a_pipe_gets_a_line_for_each_stage_that_ends_and_one_now_and_then() -> None:
    shown = io.StringIO()
    stages = [Stage("train", 1, f"train [{number}]", {"number": number}) for number in range(3)]
    with Display(Console(file=shown, width=40), every=0.05, size_of=lambda _: 3_400_000) as display:
        display.planned(stages, 2)
        display.started(stages[0])
        display.finished(stages[0], None)
        display.started(stages[1])
        now_and_then = re.compile(r"\d after [\d.]+ s, 3\.4 MB written: 1 of 3 stages done, 1 running")
        wait_for(lambda: bool(now_and_then.search(shown.getvalue())))
        display.finished(stages[1], "no space left")
    lines = shown.getvalue().splitlines()
    assert lines[0] == "5 stages: 2 cached, 3 to run"
    assert any(" train [0]: 0.0 s; 1 of 3 stages done" in line for line in lines)
    assert lines[-1] == "failed: train [1]: no space left"
    assert all(re.match(r"\d\d:\d\d:\d\d ", line) for line in lines[1:-1])


def test_the_report_is_announced_once_no_stage_is_left() -> None:
    shown = io.StringIO()
    stage = Stage("train", 1, "train", {})
    with Display(Console(file=shown, force_terminal=True, width=80)) as display:
        display.planned([stage], 0)
        display.started(stage)
        display._progress.refresh()
        assert "writing the report" not in shown.getvalue()
        display.finished(stage, None)
        display._progress.refresh()
        assert "writing the report" in shown.getvalue()
    shown.truncate(0)
    with Display(Console(file=shown, force_terminal=True, width=80)) as display:
        display.planned([], 3)
        display._progress.refresh()
        assert "writing the report" in shown.getvalue()


def test_a_quiet_run_shows_only_what_failed() -> None:
    shown = io.StringIO()
    stage = Stage("train", 1, "train", {})
    with Display(Console(file=shown, width=40), quiet=True, every=0.01) as display:
        display.planned([stage], 0)
        display.started(stage)
        display.finished(stage, "no space left")
    assert shown.getvalue().splitlines() == ["failed: train: no space left"]
