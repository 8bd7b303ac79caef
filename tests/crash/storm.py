"""Random SIGKILLs of runs, stage servers and stages, until so many have hit; then the study is run to its end."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.crash.study import Place

_AT_ONCE = 2  # runs of the study at the same time
_PER_ROUND = 10  # kills before the study may end: it starts in a new home after that
_KINDS = ("flow", "server", "stage")
_PAUSE = (0.0, 2.0)  # seconds from when there is one of a kind until it is killed
_AWAITED_SECONDS = 15.0  # for one of a kind: a run takes seconds until it has stages, and a finished study has none
_TRIES = 10  # runs until the study is whole after its last kill
_GONE_SECONDS = 30.0  # in which what a killed run had started must be gone


@dataclass
class Storm:
    """What was killed in one home."""

    place: Place
    draw: random.Random
    killed: Counter[str] = field(default_factory=Counter)
    _runs: list[subprocess.Popen[str]] = field(default_factory=list)

    def kill(self, times: int) -> None:
        """Keep runs going and kill something of them so many times."""
        while self.killed.total() < times:
            self._kill_one(self.draw.choice(_KINDS))
        for run in self._runs:
            run.communicate(timeout=900)

    def finish(self) -> None:
        """Run the study until it succeeds. A cell may have failed: a stage that is killed twice is given up."""
        for _ in range(_TRIES):
            run = self.place.start()
            run.communicate(timeout=900)
            if run.returncode == 0:
                break
        else:
            raise AssertionError(f"the study failed {_TRIES} times: {self.place.said()}")
        deadline = time.monotonic() + _GONE_SECONDS
        while self.place.processes() and time.monotonic() < deadline:
            time.sleep(0.2)

    def _keep_going(self) -> None:
        running = []
        for run in self._runs:
            if run.poll() is None:
                running.append(run)
            else:
                run.communicate()
        self._runs = running + [self.place.start() for _ in range(_AT_ONCE - len(running))]

    def _kill_one(self, kind: str) -> None:
        """Kill some process of a kind at some time after one has come; where none comes, a run."""
        if not self._await(kind):
            kind = "flow"
        time.sleep(self.draw.uniform(*_PAUSE))
        if found := self._await(kind):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.draw.choice(found), signal.SIGKILL)
                self.killed[kind] += 1

    def _await(self, kind: str) -> list[int]:
        """The processes of a kind, as soon as there is one; none after a while. Runs are kept going."""
        deadline = time.monotonic() + _AWAITED_SECONDS
        while time.monotonic() < deadline:
            self._keep_going()
            if found := sorted(pid for pid, what in self.place.processes().items() if what == kind):
                return found
            time.sleep(0.1)
        return []


def rounds(kills: int) -> list[int]:
    """Kills of each round."""
    whole, rest = divmod(kills, _PER_ROUND)
    return [_PER_ROUND] * whole + [rest] * bool(rest)


def check(place: Place, kills: int, draw: random.Random, expected: list[tuple[object, ...]]) -> Counter[str]:
    """Kill, finish, and raise AssertionError where anything differs from an undisturbed run; what was killed."""
    storm = Storm(place, draw)
    storm.kill(kills)
    storm.finish()
    assert place.faults() == []
    assert place.rows() == expected, "other rows than undisturbed"
    assert not place.run()["ran"], "a run of a finished study executed stages"
    return storm.killed
