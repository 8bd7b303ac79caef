"""`python -m tests.crash --kills 100`: kill a laboratory study at named places, most of them inside its stages, and
look at what is left. Prints a table by place. Exit status 0 where all rows are those of an undisturbed run and nothing
is left behind."""

from __future__ import annotations

import math
import random
import shutil
import tempfile
import time
from argparse import ArgumentParser
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from flows.prefect_server import prefect_api
from perf.postgres import NoServer, server
from tests.crash.places import HOLDER, Undisturbed, check, finish, one_round, shares, storm, takeover, words
from tests.crash.study import ENCODER, Place
from tests.running import artifact


def main() -> None:
    options = ArgumentParser(prog="python -m tests.crash", description=__doc__)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--seed", type=int, default=0, help="of what is killed and when")
    options.add_argument("--minutes", type=float, default=math.inf, help="after which no further home is begun")
    given = options.parse_args()
    draw = random.Random(given.seed)
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="xtransfer-crash-")))
        api = stack.enter_context(prefect_api(folder / "server"))
        first = Place(folder / "undisturbed", api)
        undisturbed = Undisturbed.of(first)
        homes = _Homes(folder, api, artifact(first.home, ENCODER))
        print(f"undisturbed: {len(undisturbed.rows)} rows, {undisturbed.stages} stages that can be killed, "
              f"{time.monotonic() - began:.0f} s", flush=True)  # fmt: skip
        wanted, takeovers = shares(given.kills)
        killed: Counter[str] = Counter()
        databases = {"SQLite": ""}
        try:
            databases["PostgreSQL"] = stack.enter_context(server("fsync=off"))
        except NoServer as error:
            print(f"no takeovers on PostgreSQL: {error}")
        for number, (database, url) in enumerate(databases.items()):
            pairs = takeovers // len(databases) + (number < takeovers % len(databases))
            if pairs:
                place = homes.new(**({"XTRANSFER_DATABASE_URL": url} if url else {}))
                killed += _takeovers(place, pairs, database, draw, undisturbed)
                print(f"{time.monotonic() - began:.0f} s: {pairs} takeovers on {database}", flush=True)
        while (wanted := +wanted) and time.monotonic() - began < 60 * given.minutes:
            hit = storm(homes.new(), one_round(wanted), draw, undisturbed)
            wanted -= hit
            killed.update(map(words, hit.elements()))
            print(f"{time.monotonic() - began:.0f} s: {killed.total()} kills, same rows, nothing left", flush=True)
    print("\n| killed | times | rows | left behind |\n|---|---:|---|---|")
    for where, count in killed.most_common():
        print(f"| {where} | {count} | the same | nothing |")
    print(f"\n{killed.total()} kills in {time.monotonic() - began:.0f} s")


def _takeovers(place: Place, pairs: int, database: str, draw: random.Random, undisturbed: Undisturbed) -> Counter[str]:
    """So many takeovers in one home, whose study then ends as undisturbed."""
    killed: Counter[str] = Counter()
    row = f"as it takes over a killed run's stage, {database}"
    for _ in range(3 * pairs):  # a stage may have ended before it is killed
        if killed[row] < pairs and takeover(place, draw, undisturbed):
            killed += Counter({HOLDER: 1, row: 1})
    assert killed[row] == pairs
    finish(place)
    check(place, undisturbed)
    return killed


class _Homes:
    """New homes that have the pretrained encoder."""

    def __init__(self, folder: Path, api: str, encoder: Path) -> None:
        self._folder, self._api, self._encoder = folder, api, encoder
        self._made = 0

    def new(self, **more: str) -> Place:
        self._made += 1
        place = Place(self._folder / f"home-{self._made}", self._api, **more)
        shutil.copytree(self._encoder, place.home / "artifacts" / self._encoder.parent.name / self._encoder.name)
        return place


if __name__ == "__main__":
    main()
