"""`python -m tests.crash --kills 100`: kill runs, stage servers and stages of a laboratory study at random, and look
at what is left. Exit status 0 where all rows are those of an undisturbed run and nothing is left behind."""

from __future__ import annotations

import random
import tempfile
import time
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path

from flows.prefect_server import prefect_api
from tests.crash.storm import check, rounds
from tests.crash.study import Place


def main() -> None:
    options = ArgumentParser(prog="python -m tests.crash", description=__doc__)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--seed", type=int, default=0, help="of what is killed and when")
    given = options.parse_args()
    draw = random.Random(given.seed)
    began = time.monotonic()
    killed: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="xtransfer-crash-") as folder, prefect_api(Path(folder) / "server") as api:
        undisturbed = Place(Path(folder) / "undisturbed", api)
        undisturbed.run()
        expected = undisturbed.rows()
        print(f"undisturbed: {len(expected)} rows, {time.monotonic() - began:.0f} s", flush=True)
        for number, kills in enumerate(rounds(given.kills), 1):
            killed += check(Place(Path(folder) / f"round-{number}", api), kills, draw, expected)
            print(f"round {number}: {dict(killed)} killed so far, same rows, nothing left", flush=True)
    print(f"{killed.total()} kills ({dict(killed)}) in {time.monotonic() - began:.0f} s: the rows are the same, and "
          "no lease, no process and no half-written artifact is left")  # fmt: skip


if __name__ == "__main__":
    main()
