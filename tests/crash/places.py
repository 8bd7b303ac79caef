"""Kills at named places of a study's run: what is planned, how it is run, and what must hold afterwards."""

from __future__ import annotations

import itertools
import json
import math
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.crash.study import Place

INJECT = Path(__file__).parent / "inject"
COMMIT = ("begun", "file-synced", "manifest-written", "renamed", "before-tidying", "done")
GROUPS = {  # what the table says → places of `inject` that are taken in turn
    "inside a stage": ("stage",),
    "at commit of an artifact": tuple(f"commit-{step}" for step in COMMIT),
    "in the transaction that records a cell": ("record-cell-begun", "record-cell-written"),
    "in the transaction that records a study": ("record-study-begun", "record-study-written"),
    "while the report is written": ("report",),
    "the stage server": ("server-asked", "server-forked"),
    "a run, at any time": ("run",),
}
HOLDER = "inside a stage, with its run"
TAKEOVERS = tuple(f"takeover-{step}" for step in ("begun", "emptied"))
_SHARES = (60, 8, 4, 2, 3, 3, 4)  # of the groups, in 100 kills; the rest are takeovers, which take two kills
_STAGES_PER_ROUND = 10  # fewer than the study has: a stage that is killed twice in one run is given up
_REPORT_FILES = 20  # the study's report has more
_TRIES = 20  # runs until the study is whole
_GONE_SECONDS = 30.0  # in which what a killed run had started must be gone


@dataclass(frozen=True)
class Undisturbed:
    """The study run without kills."""

    rows: list[tuple[object, ...]]
    seconds: dict[str, float]  # kind of stage → how long the shortest took; and of the run
    stages: int  # that can be killed: all but the pretraining, which is given
    cells: int

    @classmethod
    def of(cls, place: Place) -> Undisturbed:
        """Run it; the encoder may be there."""
        started, began = time.time(), time.monotonic()
        place.run()
        seconds = {"run": time.monotonic() - began}
        rows, store = place.rows(), place.store
        made = [one.manifest for key in [*store.keys()] if (one := store.find(key))]
        given = [one for one in made if one.kind == "pretrain"]
        seconds["run"] -= sum(one.seconds for one in given if one.started.timestamp() > started)
        for one in made:
            seconds[one.kind] = min(one.seconds, seconds.get(one.kind, math.inf))
        return cls(rows, seconds, len(made) - len(given), len({row[:4] for row in rows}))


def shares(kills: int) -> tuple[Counter[str], int]:
    """Kills by place, and takeovers."""
    exact = [share * kills / 100 for share in _SHARES]
    counts = [max(1, round(one)) for one in exact]
    wanted: Counter[str] = Counter()
    for count, places in zip(counts, GROUPS.values(), strict=True):
        wanted.update(itertools.islice(itertools.cycle(places), count))
    return wanted, max(1, (kills - wanted.total()) // 2)


def one_round(wanted: Counter[str]) -> Counter[str]:
    """What is killed in the next home, so that all places are done after as many homes as the stages need."""
    homes = max(1, math.ceil(wanted["stage"] / _STAGES_PER_ROUND))
    return Counter({place: math.ceil(count / homes) for place, count in wanted.items() if count})


def storm(place: Place, kills: Counter[str], draw: random.Random, undisturbed: Undisturbed) -> Counter[str]:
    """Run the study with these kills until it succeeds, and check what is left; places that were hit."""
    most = {"report": _REPORT_FILES, "record-cell-begun": undisturbed.cells, "record-cell-written": undisturbed.cells}
    plan = {}
    for name, count in kills.items():
        arrivals = count if name.startswith(("record-study", "run")) else most.get(name, undisturbed.stages)
        plan[name] = draw.sample(range(1, arrivals + 1), count)
    folder = planned(place, plan, draw, undisturbed)
    finish(place)
    check(place, undisturbed)
    return Counter(hit for hit, _ in hits(folder))


def takeover(place: Place, draw: random.Random, undisturbed: Undisturbed) -> bool:
    """Start two runs, kill one with a stage of it, and the other as it takes that stage over.

    Returns whether that happened: not where the stage had ended before it was killed.
    """
    moment = draw.choice(TAKEOVERS)
    folder = planned(place, {"holder": [draw.choice((1, 2))], moment: [1]}, draw, undisturbed)
    for run in [place.start() for _ in range(2)]:
        run.communicate(timeout=900)
    wait_until_gone(place)
    found = dict(hits(folder))
    if "holder" not in found:
        return False
    assert set(found) == {"holder", moment}, f"nobody took over: {place.said()}"
    assert found["holder"] != found[moment], "the killed run took over"
    return True


def planned(place: Place, plan: dict[str, list[int]], draw: random.Random, undisturbed: Undisturbed) -> Path:
    """Plan arrivals that are killed for the runs of a place that start from now on; the folder of the plan."""
    folder = place.home / f"kills-{len([*place.home.glob('kills-*')])}"
    folder.mkdir()
    kills = {name: {number: draw.uniform(0.0, 0.8) for number in numbers} for name, numbers in plan.items()}
    (folder / "plan.json").write_text(json.dumps({"kills": kills, "seconds": undisturbed.seconds}))
    place.environment |= {"CRASH_PLAN": str(folder), "PYTHONPATH": str(INJECT)}
    return folder


def hits(folder: Path) -> list[tuple[str, str]]:
    """Each kill that happened: its place, and the process of its run."""
    return [(file.name.partition("@")[0], file.read_text()) for file in sorted(folder.glob("*@*"))]


def finish(place: Place) -> None:
    """Run the study until it succeeds; what was planned may go on killing."""
    for _ in range(_TRIES):
        run = place.start()
        run.communicate(timeout=900)
        if run.returncode == 0:
            break
    else:
        raise AssertionError(f"the study failed {_TRIES} times: {place.said()}")
    wait_until_gone(place)


def wait_until_gone(place: Place) -> None:
    deadline = time.monotonic() + _GONE_SECONDS
    while place.processes() and time.monotonic() < deadline:
        time.sleep(0.2)


def check(place: Place, undisturbed: Undisturbed) -> None:
    """Raise AssertionError where anything differs from an undisturbed run."""
    place.environment.pop("CRASH_PLAN", None)
    assert place.faults() == []
    assert place.rows() == undisturbed.rows, "other rows than undisturbed"
    assert not place.run()["ran"], "a run of a finished study executed stages"


def words(place: str) -> str:
    """The row of the table that a place belongs to."""
    return next((row for row, places in GROUPS.items() if place in places), place)
