"""Times alternatives in turns, and prints the results as a table and JSON."""

from __future__ import annotations

import json
import os
import platform
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Protocol

from rich.console import Console
from rich.table import Table

from xtransfer.base.hardware import processor

_WIDTH = 140  # columns, where the table goes to a file
Way = Callable[[], float]  # runs once; returns seconds


@dataclass(frozen=True)
class Measure:
    """Seconds of each run of ours and of the alternative, in pairs."""

    name: str
    ours: Sequence[float]
    other: Sequence[float]
    under: float | None = None  # seconds: goal for our median; None: no goal
    least: float | None = None  # goal for the ratio; None: no goal

    @property
    def ratio(self) -> float:
        """Time of the alternative over ours: the median over pairs."""
        return median(other / ours for ours, other in zip(self.ours, self.other, strict=True))

    @property
    def holds(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        if self.least is not None:
            return self.ratio >= self.least
        return None if self.under is None else median(self.ours) < self.under

    def record(self) -> dict[str, object]:
        """name, ours and other (medians, seconds), ratio, goal (text or null), holds (or null)."""
        return {
            "name": self.name,
            "ours": round(median(self.ours), 3),
            "other": round(median(self.other), 3),
            "ratio": round(self.ratio, 2),
            "goal": self._goal(),
            "holds": self.holds,
        }

    def cells(self) -> tuple[str, str, str]:
        """Ours, other and ratio as the table shows them."""
        return _spread(self.ours), _spread(self.other), f"{self.ratio:.2f}"

    def _goal(self) -> str | None:
        if self.least is not None:
            return f"at least {self.least:g} times"
        return None if self.under is None else f"under {self.under:g} s"


@dataclass(frozen=True)
class Bound:
    """A number of ours with an upper or lower bound, such as a difference or a share."""

    name: str
    value: float
    most: float | None = None  # None: no bound
    least: float | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the number is within its bound; None without a bound."""
        if self.least is not None:
            return self.value >= self.least
        return None if self.most is None else self.value <= self.most

    def record(self) -> dict[str, object]:
        """As a measure's; other and ratio are null."""
        ours, goal = float(f"{self.value:.3g}"), self._goal()
        return {"name": self.name, "ours": ours, "other": None, "ratio": None, "goal": goal, "holds": self.holds}

    def cells(self) -> tuple[str, str, str]:
        return f"{self.value:.3g}", "", ""

    def _goal(self) -> str | None:
        if self.least is not None:
            return f"at least {self.least:g}"
        return None if self.most is None else f"at most {self.most:g}"


def paired(ways: Mapping[str, tuple[Way, Way]], pairs: int) -> dict[str, tuple[list[float], list[float]]]:
    """Seconds of (ours, other) by name: all names in order, `pairs` times; the order within pairs alternates.

    So a slow phase of the machine affects both.
    """
    seconds: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ways}
    for number in range(pairs):
        for name, both in ways.items():
            for side in (0, 1) if number % 2 == 0 else (1, 0):
                seconds[name][side].append(both[side]())
    return seconds


def in_turns(ways: Mapping[str, Way], rounds: int, before: int = 1) -> dict[str, list[float]]:
    """Seconds of each way in each round, in alternating order, after `before` warm-up rounds."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(before + rounds):
        for name in list(ways) if number % 2 == 0 else reversed(list(ways)):
            seconds[name].append(ways[name]())
    return {name: own[before:] for name, own in seconds.items()}


def in_fresh_process(way: Callable[..., float], environment: Mapping[str, str], **arguments: object) -> float:
    """The result of a function in a fresh process that has only imported the large libraries."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["torch", "transformers", "datasets"])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_called, way, environment, arguments).result()


def _called(way: Callable[..., float], environment: Mapping[str, str], arguments: Mapping[str, object]) -> float:
    os.environ.update(environment)
    return way(**arguments)


class Shown(Protocol):
    """A row of the table."""

    @property
    def name(self) -> str: ...

    @property
    def holds(self) -> bool | None: ...

    def record(self) -> dict[str, object]: ...

    def cells(self) -> tuple[str, str, str]: ...


def clock(device: str) -> Callable[[], float]:
    """A clock in seconds: CPU time, or for another device wall time after synchronization."""
    if device == "cpu":
        return process_time
    import torch

    def now() -> float:
        torch.cuda.synchronize(device)
        return perf_counter()

    return now


def parser(description: str, markdown: bool = False) -> ArgumentParser:
    """The common options of all benchmarks; `markdown`: with that for a table in the docs."""
    made = ArgumentParser(description=description)
    made.add_argument("--quick", action="store_true", help="a small part in under a minute, without goals")
    made.add_argument("--json", type=Path, metavar="FILE", help="also write the measures as JSON")
    if markdown:
        made.add_argument("--markdown", type=Path, metavar="PAGE", help="update the table on this page of the docs")
    return made


SECONDS = "Median seconds (range); ratio: other to ours, median of pairs."
_HEADINGS = ("", "ours", "other", "ratio", "goal")


def show(measures: Sequence[Shown], options: Namespace, title: str, said: str = SECONDS, mark: str = "") -> None:
    """Print the table and the machine; write JSON and the table between the marks of a page if requested.

    `said` explains the columns.
    """
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    lines = [_line(measure) for measure in measures]
    for line in lines:
        table.add_row(*line)
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(table)
    console.print(f"{said} {machine()}")
    if options.json is not None:
        records = {"measures": [measure.record() for measure in measures]}
        options.json.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    if mark and options.markdown is not None:
        headings = [_HEADINGS, ("---", *["---:"] * (len(_HEADINGS) - 1))]
        put_between(mark, [*headings, *lines], f"{said} {date.today().isoformat()}, {machine()}", options.markdown)


def _line(measure: Shown) -> tuple[str, ...]:
    goal = measure.record()["goal"]
    return measure.name, *measure.cells(), f"{goal}: {'holds' if measure.holds else 'missed'}" if goal else ""


def put_between(mark: str, lines: Sequence[Sequence[str]], said: str, page: Path) -> None:
    """Write a table and a line below it between the marks `<!-- mark -->` and `<!-- /mark -->` of a page.

    Raises ValueError if the page has no such marks.
    """
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\n{said}\n"
    place = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.DOTALL)
    old = page.read_text(encoding="utf-8")
    if not place.search(old):
        raise ValueError(f"{page} has no place for the table; add the lines <!-- {mark} --> and <!-- /{mark} -->")
    page.write_text(place.sub(lambda match: match[1] + text + match[2], old), encoding="utf-8")


def machine() -> str:
    """Processor, usable cores, load, and versions of the main libraries."""
    cores = len(os.sched_getaffinity(0))
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "tokenizers", "datasets"))
    load = f"load {os.getloadavg()[0]:.1f}"
    return f"{processor()}, {cores} cores, {load}; Python {platform.python_version()}, {versions}."


def _spread(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.3g} ({min(seconds):.3g}-{max(seconds):.3g})"
