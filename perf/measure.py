"""Two ways of doing one thing, timed in turns; their table, and the same as JSON."""

from __future__ import annotations

import json
import os
import platform
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

_WIDTH = 140  # columns, where the table goes to a file
Way = Callable[[], float]  # does it once; seconds that it took


@dataclass(frozen=True)
class Measure:
    """Seconds of each run of ours and of the other way, by pairs."""

    name: str
    ours: Sequence[float]
    other: Sequence[float]
    under: float | None = None  # seconds that the median of ours must stay below; None: no goal for this size
    least: float | None = None  # what the ratio must reach; None: no goal for it

    @property
    def ratio(self) -> float:
        """How many times as long the other way takes: the median over pairs."""
        return median(other / ours for ours, other in zip(self.ours, self.other, strict=True))

    @property
    def holds(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.least is not None:
            return self.ratio >= self.least
        return None if self.under is None else median(self.ours) < self.under

    def record(self) -> dict[str, Any]:
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
        """Ours, otherwise and ratio, as the table shows them."""
        return _spread(self.ours), _spread(self.other), f"{self.ratio:.2f}"

    def _goal(self) -> str | None:
        if self.least is not None:
            return f"at least {self.least:g} times"
        return None if self.under is None else f"under {self.under:g} s"


@dataclass(frozen=True)
class Bound:
    """A number of ours that must not be more than another one: a difference, a share."""

    name: str
    value: float
    most: float | None  # None: no bound at this size

    @property
    def holds(self) -> bool | None:
        """Whether the number is small enough; None where nothing is asked."""
        return None if self.most is None else self.value <= self.most

    def record(self) -> dict[str, Any]:
        """As a measure's; other and ratio are null."""
        goal = None if self.most is None else f"at most {self.most:g}"
        ours = float(f"{self.value:.3g}")
        return {"name": self.name, "ours": ours, "other": None, "ratio": None, "goal": goal, "holds": self.holds}

    def cells(self) -> tuple[str, str, str]:
        return f"{self.value:.3g}", "", ""


def paired(ways: Mapping[str, tuple[Way, Way]], pairs: int) -> dict[str, tuple[list[float], list[float]]]:
    """Seconds of (ours, other) by name: names in their order, `pairs` times over; who goes first changes each time.

    So a machine that slows down, or does something else for a while, slows both.
    """
    seconds: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ways}
    for number in range(pairs):
        for name, both in ways.items():
            for side in (0, 1) if number % 2 == 0 else (1, 0):
                seconds[name][side].append(both[side]())
    return seconds


def in_fresh_process(way: Callable[..., float], environment: Mapping[str, str], **arguments: Any) -> float:
    """What a function returns in a process that has imported the large libraries and done nothing else."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["torch", "transformers", "datasets"])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_called, way, environment, arguments).result()


def _called(way: Callable[..., float], environment: Mapping[str, str], arguments: Mapping[str, Any]) -> float:
    os.environ.update(environment)
    return way(**arguments)


def parser(description: str) -> ArgumentParser:
    """The options that every measurement has."""
    made = ArgumentParser(description=description)
    made.add_argument("--quick", action="store_true", help="a small part, in under a minute; no goals")
    made.add_argument("--json", type=Path, metavar="FILE", help="write the measures there too")
    return made


def show(measures: Sequence[Measure | Bound], options: Namespace, title: str) -> None:
    """Print the table and the machine; write the JSON that is asked for."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in ("", "ours", "otherwise", "ratio", "goal"):
        table.add_column(heading, justify="left" if not heading else "right", no_wrap=True)
    for measure in measures:
        goal = measure.record()["goal"]
        judged = f"{goal}: {'holds' if measure.holds else 'missed'}" if goal else ""
        table.add_row(measure.name, *measure.cells(), judged)
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(table)
    console.print(f"Seconds: median (least to most); ratio: otherwise to ours, by pairs. {machine()}")
    if options.json is not None:
        records = {"measures": [measure.record() for measure in measures]}
        options.json.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


def machine() -> str:
    """Processor, cores that may be used, load, and the versions that matter."""
    cores = len(os.sched_getaffinity(0))
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "tokenizers", "datasets"))
    load = f"load {os.getloadavg()[0]:.1f}"
    return f"{_processor()}, {cores} cores, {load}; Python {platform.python_version()}, {versions}."


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _spread(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.3g} ({min(seconds):.3g}-{max(seconds):.3g})"
