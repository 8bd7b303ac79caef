"""Progress of a run: in a terminal a bar and a line for each running stage, elsewhere lines of text."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from flows.terminal import Console
from tasks.progress_state import Board
from tasks.runtime import Cost
from xtransfer.base.stage import Stage
from xtransfer.base.words import amount, counted, duration
from xtransfer.stages import by_kind

_EVERY_SECONDS = 60.0  # between lines where nothing has ended
_REPORT = "writing the report"


class Display:
    """A tasks.runtime.Listener that shows progress. Task threads call it."""

    def __init__(
        self,
        console: Console,
        *,
        quiet: bool = False,
        every: float = _EVERY_SECONDS,
        size_of: Callable[[Stage], int] = lambda _: 0,
    ) -> None:
        """`quiet`: show only what failed. `every`: seconds between lines of text. `size_of`: bytes a stage has made."""
        self._console = console
        self._terminal = console.is_terminal and not quiet
        self._lines_of_text = not console.is_terminal and not quiet
        self._every = every
        self._size_of = size_of
        self._bytes = 0  # made by this run
        self._planned = time.monotonic()
        self._lock = threading.Lock()
        self._lines: dict[str, TaskID] = {}
        self._began: dict[str, float] = {}
        self._board = Board()
        self._note = "starting"
        self._last = time.monotonic()
        self._over = threading.Event()
        self._clock = threading.Thread(target=self._now_and_then, daemon=True)
        self._progress = Progress(
            TextColumn("{task.description}", table_column=None),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
            transient=True,
            disable=not self._terminal,
            refresh_per_second=4,
        )
        self._all = self._progress.add_task("starting", total=1, note="")

    def __enter__(self) -> Display:
        self._progress.start()
        if self._lines_of_text:
            self._clock.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._progress.stop()

    def note(self, text: str) -> None:
        """Show what is being waited for."""
        self._note = text
        self._progress.update(self._all, description=text)

    def decided(self, text: str) -> None:
        """Print what a run has decided."""
        if self._terminal or self._lines_of_text:
            self._console.print(text, highlight=False, markup=False)

    def planned(self, stages: Sequence[Stage], stored: int, cost: Cost = by_kind) -> None:
        with self._lock:
            self._board.planned(stages, stored, cost)
            self._planned = time.monotonic()
        if self._terminal or self._lines_of_text:
            self._console.print(f"{counted(stored + len(stages), 'stage')}: {stored} cached, {len(stages)} to run")
        self._progress.update(self._all, description="[bold]study", total=max(1, len(stages)), completed=0)
        if not stages:
            self.note(_REPORT)

    def started(self, stage: Stage) -> None:
        with self._lock:
            self._board.started(stage)
            self._began[stage.key] = time.monotonic()
            if stage.key in self._lines:  # a retry
                return
            self._lines[stage.key] = self._progress.add_task(escape(stage.name), total=1, note="starting")

    def progressed(self, stage: Stage, message: str, done: int, total: int) -> None:
        with self._lock:
            self._board.progressed(stage, message, done, total)
            line = self._lines.get(stage.key)
        if line is not None:
            self._progress.update(line, completed=done, total=max(1, total), note=escape(message))

    def finished(self, stage: Stage, error: str | None) -> None:
        made = self._size_of(stage) if self._lines_of_text and error is None else 0
        with self._lock:
            self._bytes += made
            self._board.finished(stage, error)
            line = self._lines.pop(stage.key, None)
            began = self._began.pop(stage.key, None)
        if line is not None:
            self._progress.remove_task(line)
        self._progress.update(self._all, note=escape(self._board.time_left()))
        self._progress.advance(self._all)
        if self._board.is_over:
            self.note(_REPORT)
        if error is not None:
            self._console.print(f"[red]failed:[/red] {escape(stage.name)}: {escape(error)}", highlight=False)
        elif began is not None and self._lines_of_text:
            self._say(f"{stage.name}: {duration(time.monotonic() - began)}; {self._words()}")

    def _words(self) -> str:
        with self._lock:
            return self._board.words()

    def _say(self, text: str) -> None:
        self._last = time.monotonic()
        self._console.print(f"{time.strftime('%H:%M:%S')} {text}", highlight=False, markup=False, soft_wrap=True)

    def _now_and_then(self) -> None:
        """Print how far the run is, a while after anything was printed, until it is over."""
        while not self._over.wait(max(0.0, self._last + self._every - time.monotonic())):
            if time.monotonic() >= self._last + self._every:
                self._say(self._note if self._board.is_empty else self._all_words())

    def _all_words(self) -> str:
        made = f", {amount(self._bytes)} written" if self._bytes else ""
        return f"after {duration(time.monotonic() - self._planned)}{made}: {self._words()}"
