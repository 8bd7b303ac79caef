"""`python -m tests.fuzz --inputs 10000`: so many inputs by chance at each door, and a table of what became of them.

Exit status 0 where every input was refused in a sentence or accepted.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from rich.console import Console
from rich.table import Table

from tests.fuzz.doors import DOORS
from tests.fuzz.outcomes import GOOD, OUTCOMES, Door, Outcome, tried

_SHOWN = 5  # faults of a door, with an input of each


def main() -> int:
    options = ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    options.add_argument("--inputs", type=int, default=10_000, help="at each door")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--door", action="append", choices=DOORS, help="only this one; repeatable")
    given_options = options.parse_args()
    table = Table("door", "inputs", *OUTCOMES, "seconds", box=None)
    console = Console(width=160)
    logging.disable(logging.CRITICAL)  # what is logged of an input that is refused
    faults = 0
    for name in given_options.door or DOORS:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="xtransfer-fuzz-") as folder:
            os.environ["XTRANSFER_HOME"] = str(Path(folder) / "xtransfer-home")
            counts, seen = count(DOORS[name](Path(folder)), given_options.inputs, given_options.seed)
        table.add_row(
            name, str(counts.total()), *(str(counts[what]) for what in OUTCOMES), f"{time.monotonic() - began:.0f}"
        )
        for (what, said), (value, times) in list(seen.items())[:_SHOWN]:
            print(f"{name}: {what}, {times} times: {said}\n  {ascii(value)[:600]}", flush=True)
        faults += len(seen)
        print(f"{name}: {dict(counts)}", flush=True)
    console.print(table)
    return int(faults > 0)


def count(door: Door, inputs: int, number: int) -> tuple[Counter[str], dict[tuple[str, str], tuple[object, int]]]:
    """Returns how many inputs had each outcome; and each kind of fault, with its first input and how often it came."""
    counts: Counter[str] = Counter()
    seen: dict[tuple[str, str], tuple[object, int]] = {}

    @seed(number)
    @settings(
        max_examples=inputs,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(door.inputs)
    def one(value: object) -> None:
        outcome: Outcome = tried(door, value)
        counts[outcome.what] += 1
        if outcome.what not in GOOD:
            first, times = seen.get((outcome.what, outcome.said), (value, 0))
            seen[outcome.what, outcome.said] = first, times + 1

    one()
    return counts, seen


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    sys.exit(main())
