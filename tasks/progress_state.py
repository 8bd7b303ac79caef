"""The state of a running study: each stage, and overall progress."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from tasks.runtime import Cost
from xtransfer.base.stage import Stage
from xtransfer.base.words import counted, duration
from xtransfer.stages import by_kind

State = Literal["failed", "running", "done", "waiting", "not run", "stopped"]
_ORDER: tuple[State, ...] = ("failed", "running", "done", "waiting", "not run", "stopped")
_LONGEST = 300  # characters of a reason that are shown
_TELLING = 0.02  # share of the work that must be done before the time left is worth showing

Row = dict[str, object]


@dataclass
class Line:
    """One stage of the run."""

    stage: Stage
    state: State = "waiting"
    began: float = 0.0
    seconds: float = 0.0  # run time, once it has ended
    share: float = 0.0  # done, 0-1, while it runs
    note: str = ""  # what it is doing, or why it failed


class Board:
    """A tasks.runtime.Listener that keeps the state of every stage. Task threads write, one other thread reads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lines: dict[str, Line] = {}
        self._stored = 0
        self._began = clock()
        self._cost: Cost = by_kind

    def planned(self, stages: Sequence[Stage], stored: int, cost: Cost = by_kind) -> None:
        self._cost = cost
        self._stored = stored
        self._began = self._clock()
        self._lines = {stage.key: Line(stage) for stage in stages}

    def started(self, stage: Stage) -> None:
        line = self._line(stage)
        line.state, line.began = "running", self._clock()

    def progressed(self, stage: Stage, message: str, done: int, total: int) -> None:
        line = self._line(stage)
        line.share = min(1.0, done / max(1, total))
        line.note = f"{message} {done:,}/{total:,}"

    def finished(self, stage: Stage, error: str | None) -> None:
        line = self._line(stage)
        began, ended = line.state == "running", self._clock()
        line.seconds = ended - line.began if began else 0.0
        line.state = "failed" if error is not None else "done" if began else "not run"
        line.note = (error or "")[:_LONGEST] if line.state != "not run" else "needs a failed stage"

    def stopped(self) -> None:
        """Mark every unfinished stage as stopped: the run is over."""
        for line in self._lines.values():
            if line.state in ("running", "waiting"):
                line.seconds = self._clock() - line.began if line.state == "running" else 0.0
                line.state = "stopped"

    @property
    def is_empty(self) -> bool:
        """Whether no stage has to run."""
        return not self._lines

    @property
    def is_over(self) -> bool:
        """Whether every stage has ended."""
        return not any(line.state in ("running", "waiting") for line in self._lines.values())

    def percent(self) -> float:
        """Share of the work done, 0-100; stages are weighted by their expected duration."""
        done, _, everything = self._work()
        return round(100 * done / everything, 1) if everything else 100.0

    def words(self) -> str:
        """`3 of 12 stages done, 2 running, 1 failed; about 4 min 10 s left`."""
        counts = Counter(line.state for line in self._lines.values())
        parts = [f"{counts['done']} of {counted(len(self._lines), 'stage')} done"]
        parts += [f"{counts[state]} {state}" for state in ("running", "failed", "not run", "stopped") if counts[state]]
        if self._stored:
            parts.append(f"{self._stored:,} from the store")
        left = self.time_left()
        return ", ".join(parts) + (f"; {left}" if left else "")

    def rows(self, most: int | None = None) -> list[Row]:
        """A row for each stage, failed and running ones first; at most `most`, the last then counts those left out."""
        lines = sorted(self._lines.values(), key=lambda line: _ORDER.index(line.state))
        shown = lines if most is None or len(lines) <= most else lines[: most - 1]
        rows = [self._row(line) for line in shown]
        if len(shown) < len(lines):
            rows.append(
                {"stage": f"and {len(lines) - len(shown):,} more", "state": "", "seconds": None, "progress": ""}
            )
        return rows

    def _line(self, stage: Stage) -> Line:
        return self._lines.setdefault(stage.key, Line(stage))

    def _row(self, line: Line) -> Row:
        running = line.state == "running"
        seconds = self._clock() - line.began if running else line.seconds
        return {
            "stage": line.stage.name,
            "state": line.state,
            "seconds": round(seconds, 1) if seconds else None,
            "progress": f"{100 * line.share:.0f}% {line.note}".rstrip() if running else line.note,
        }

    def _work(self) -> tuple[float, float, float]:
        """Expected seconds of the work done, the work left, and all of it."""
        slower = self._slower()
        done = left = everything = 0.0
        for line in self._lines.values():
            weight = self._cost(line.stage) * slower.get(line.stage.kind, slower[""])
            share = line.share if line.state == "running" else float(line.state == "done")
            everything += weight
            done += weight * share
            left += weight * (1 - share) if line.state in ("running", "waiting") else 0.0
        return done, left, everything

    def _slower(self) -> dict[str, float]:
        """What finished stages took relative to what was expected, by kind; under "" for kinds without any."""
        took: dict[str, list[tuple[float, float]]] = {}
        for line in self._lines.values():
            if line.state == "done" and line.seconds:
                for kind in (line.stage.kind, ""):
                    took.setdefault(kind, []).append((line.seconds, self._cost(line.stage)))
        sums = {kind: [sum(column) for column in zip(*pairs, strict=True)] for kind, pairs in took.items()}
        return {"": 1.0} | {kind: seconds / expected for kind, (seconds, expected) in sums.items()}

    def time_left(self) -> str:
        """`about 4 min 10 s left`; empty until enough is done to tell."""
        done, left, everything = self._work()
        if not left or not any(line.state == "done" for line in self._lines.values()) or done < _TELLING * everything:
            return ""
        return f"about {duration((self._clock() - self._began) * left / done)} left"
