"""Progress in the terminal: a bar for the study and a line for each running stage."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from flows.terminal import Console
from xtransfer.base.stage import Stage


class Display:
    """A tasks.runtime.Listener that draws progress in a terminal and nothing in a pipe."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._lines: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}", table_column=None),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            refresh_per_second=4,
        )
        self._all = self._progress.add_task("starting", total=1, note="")

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def note(self, text: str) -> None:
        """Show what is being waited for."""
        self._progress.update(self._all, description=text)

    def planned(self, stages: Sequence[Stage], stored: int) -> None:
        self._console.print(f"{stored + len(stages)} stages: {stored} cached, {len(stages)} to run")
        self._progress.update(self._all, description="[bold]study", total=max(1, len(stages)), completed=0)

    def started(self, stage: Stage) -> None:
        with self._lock:
            if stage.key in self._lines:  # a retry
                return
            self._lines[stage.key] = self._progress.add_task(escape(stage.name), total=1, note="starting")

    def progressed(self, stage: Stage, message: str, done: int, total: int) -> None:
        line = self._lines.get(stage.key)
        if line is not None:
            self._progress.update(line, completed=done, total=max(1, total), note=escape(message))

    def finished(self, stage: Stage, error: str | None) -> None:
        with self._lock:
            line = self._lines.pop(stage.key, None)
        if line is not None:
            self._progress.remove_task(line)
        self._progress.advance(self._all)
        if error is not None:
            self._console.print(f"[red]failed:[/red] {escape(stage.name)}: {escape(error)}", highlight=False)
