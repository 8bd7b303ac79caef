"""What a person sees of names and reasons is what they are: brackets in them are no markup."""

from __future__ import annotations

import io

from rich.console import Console

from flows.display import Display
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
