"""Which stages a plan still needs, and in which order they go to the free slots. Pure: nothing runs here."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from xtransfer.base.stage import Stage
from xtransfer.stages import STAGES
from xtransfer.study.cells import Plan


def needed(plan: Plan, is_stored: Callable[[str], bool]) -> list[Stage]:
    """Stages to run: those whose artifact is missing and that a missing score depends on."""
    return missing(plan.stages, [cell.score.key for cell in plan.cells], is_stored)


def missing(stages: Sequence[Stage], results: Iterable[str], is_stored: Callable[[str], bool]) -> list[Stage]:
    """Those of `stages` to run so that every key of `results` is stored."""
    by_key = {stage.key: stage for stage in stages}
    wanted: set[str] = set()
    waiting = list(results)
    seen: set[str] = set()
    while waiting:
        key = waiting.pop()
        if key in seen:
            continue
        seen.add(key)
        if not is_stored(key):
            wanted.add(key)
            waiting.extend(by_key[key].inputs.values())
    return [stage for stage in stages if stage.key in wanted]


class Schedule:
    """Hands out stages whose inputs are there, the one with the longest chain behind it first."""

    def __init__(
        self,
        stages: Iterable[Stage],
        seconds: Mapping[str, float] | None = None,
        plan: Iterable[Stage] | None = None,
    ) -> None:
        """`seconds`: expected duration by kind of stage; their declared costs where it is empty. `plan`: all that
        `stages` are a part of, where some are finished already."""
        self.seconds = dict(seconds or {kind.name: kind.seconds for kind in STAGES.values()})
        self._stages = {stage.key: stage for stage in stages}
        self._missing = {
            stage.key: {key for key in stage.inputs.values() if key in self._stages} for stage in self._stages.values()
        }
        self._readers: dict[str, list[str]] = {key: [] for key in self._stages}
        for key, inputs in self._missing.items():
            for one in inputs:
                self._readers[one].append(key)
        self._behind = self._chains()
        self._alone = _bottlenecks(plan or self._stages.values())
        self._ready: list[tuple[float, int, str]] = []
        self._number = 0
        for key, inputs in self._missing.items():
            if not inputs:
                self._offer(key)

    def take(self) -> Stage | None:
        """The next stage to start, or None where all that is left waits for a running one."""
        return self._stages[heapq.heappop(self._ready)[2]] if self._ready else None

    def again(self, key: str) -> None:
        """`key` was taken and can be taken once more."""
        self._offer(key)

    def done(self, key: str) -> None:
        """`key` is in the store: what waited for it alone becomes ready."""
        for reader in self._readers[key]:
            missing = self._missing[reader]
            missing.discard(key)
            if not missing:
                self._offer(reader)

    def failed(self, key: str) -> list[Stage]:
        """All stages that can never run if `key` fails."""
        lost: dict[str, Stage] = {}
        waiting = list(self._readers[key])
        while waiting:
            reader = waiting.pop()
            if reader not in lost:
                lost[reader] = self._stages[reader]
                waiting.extend(self._readers[reader])
        return list(lost.values())

    def runs_alone(self, key: str) -> bool:
        """Whether no other stage of the plan can ever run beside it, so that it may use every core. What is finished
        already does not change the answer: a stage computes the same after a restart."""
        return key in self._alone

    def longest_chain(self) -> float:
        """Seconds that the longest chain takes, the least that any number of slots can reach."""
        return max(self._behind.values(), default=0.0)

    def _offer(self, key: str) -> None:
        self._number += 1  # equal chains keep the plan's order
        heapq.heappush(self._ready, (-self._behind[key], self._number, key))

    def _chains(self) -> dict[str, float]:
        """Seconds from the start of each stage to the end of the longest chain that it begins."""
        behind: dict[str, float] = {}
        for key in reversed(list(self._stages)):  # inputs stand before what reads them
            after = max((behind[reader] for reader in self._readers[key]), default=0.0)
            behind[key] = self.seconds.get(self._stages[key].kind, 1.0) + after
        return behind


def _bottlenecks(plan: Iterable[Stage]) -> set[str]:
    """Keys of the stages that every other stage of a plan of several waits for."""
    stages = {stage.key: stage for stage in plan}
    needs: dict[str, set[str]] = {}
    for key, stage in stages.items():  # inputs stand before what reads them
        inputs = [one for one in stage.inputs.values() if one in stages]
        needs[key] = set(inputs).union(*(needs[one] for one in inputs))
    needed_by = Counter(one for all_needed in needs.values() for one in all_needed)
    return {key for key in stages if len(stages) > 1 and needed_by[key] == len(stages) - 1}


def estimate(stages: Iterable[Stage], slots: int, seconds: Mapping[str, float] | None = None) -> float:
    """Expected wall time in seconds on `slots` equal slots: the larger of shared-out work and longest chain."""
    schedule = Schedule(list(stages), seconds)
    work = sum(schedule.seconds.get(stage.kind, 1.0) for stage in schedule._stages.values())
    return max(work / max(1, slots), schedule.longest_chain())
