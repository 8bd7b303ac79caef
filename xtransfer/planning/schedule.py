"""Decides which stages of a plan still have to run, and in which order. Computes only; runs nothing."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from xtransfer.base.stage import Stage
from xtransfer.stages import STAGES
from xtransfer.study.cells import Plan


def needed(plan: Plan, is_stored: Callable[[str], bool]) -> list[Stage]:
    """Returns the stages to run: those with a missing artifact on which a missing score depends."""
    return missing(plan.stages, [cell.score.key for cell in plan.cells], is_stored)


def missing(stages: Sequence[Stage], results: Iterable[str], is_stored: Callable[[str], bool]) -> list[Stage]:
    """Returns the stages to run so that every key in `results` is stored."""
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
    """Hands out stages whose inputs exist, starting with the one that has the longest chain of dependents."""

    def __init__(
        self,
        stages: Iterable[Stage],
        seconds: Mapping[str, float] | None = None,
        plan: Iterable[Stage] | None = None,
    ) -> None:
        """Builds the schedule of `stages`.

        `seconds` is the expected duration by kind of stage (default: the declared costs). `plan` is the whole plan, if
        some of its stages are already finished.
        """
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
        """Returns the next stage to start; None if all remaining ones wait for running stages."""
        return self._stages[heapq.heappop(self._ready)[2]] if self._ready else None

    def again(self, key: str) -> None:
        """Makes a stage that was taken available again."""
        self._offer(key)

    def done(self, key: str) -> None:
        """Marks `key` as stored; stages that waited only for it become ready."""
        for reader in self._readers[key]:
            missing = self._missing[reader]
            missing.discard(key)
            if not missing:
                self._offer(reader)

    def failed(self, key: str) -> list[Stage]:
        """Returns all stages that can never run if `key` fails."""
        lost: dict[str, Stage] = {}
        waiting = list(self._readers[key])
        while waiting:
            reader = waiting.pop()
            if reader not in lost:
                lost[reader] = self._stages[reader]
                waiting.extend(self._readers[reader])
        return list(lost.values())

    def runs_alone(self, key: str) -> bool:
        """Returns whether no other stage of the plan can run at the same time, so that it may use every core.

        Finished stages do not change the answer: a stage computes the same after a restart.
        """
        return key in self._alone

    def longest_chain(self) -> float:
        """Returns the seconds of the longest chain, a lower bound for any number of slots."""
        return max(self._behind.values(), default=0.0)

    def _offer(self, key: str) -> None:
        self._number += 1  # stages with equal chains keep the plan's order
        heapq.heappush(self._ready, (-self._behind[key], self._number, key))

    def _chains(self) -> dict[str, float]:
        """Returns, for each stage, the seconds from its start to the end of its longest chain of dependents."""
        behind: dict[str, float] = {}
        for key in reversed(list(self._stages)):  # stages come after their inputs
            after = max((behind[reader] for reader in self._readers[key]), default=0.0)
            behind[key] = self.seconds.get(self._stages[key].kind, 1.0) + after
        return behind


def _bottlenecks(plan: Iterable[Stage]) -> set[str]:
    """Returns the keys of stages that every other stage depends on; empty for a plan of one stage."""
    stages = {stage.key: stage for stage in plan}
    needs: dict[str, set[str]] = {}
    for key, stage in stages.items():  # stages come after their inputs
        inputs = [one for one in stage.inputs.values() if one in stages]
        needs[key] = set(inputs).union(*(needs[one] for one in inputs))
    needed_by = Counter(one for all_needed in needs.values() for one in all_needed)
    return {key for key in stages if len(stages) > 1 and needed_by[key] == len(stages) - 1}


def estimate(stages: Iterable[Stage], slots: int, seconds: Mapping[str, float] | None = None) -> float:
    """Returns the expected wall time in seconds: work divided by `slots`, or the longest chain if that is longer."""
    schedule = Schedule(list(stages), seconds)
    work = sum(schedule.seconds.get(stage.kind, 1.0) for stage in schedule._stages.values())
    return max(work / max(1, slots), schedule.longest_chain())
