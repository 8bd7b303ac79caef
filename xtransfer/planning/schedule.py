"""Decides which stages of a plan still have to run, and in which order. Computes only; runs nothing."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from xtransfer.base.stage import Stage
from xtransfer.stages import by_kind
from xtransfer.study.cells import Plan

_MUCH = 2  # times the longest chain: so much work for each slot is much


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
    """Hands out stages whose inputs exist.

    While there is much work for each slot, the stage that is nearest to a result comes first, so that scores come early
    and cell by cell; later the one with the longest chain of dependents, so that all slots end together.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        cost: Callable[[Stage], float] = by_kind,
        slots: int = 1,
        plan: Iterable[Stage] | None = None,
    ) -> None:
        """Builds the schedule of `stages` for so many slots.

        `cost` returns the seconds that a stage is expected to take. `plan` is the whole plan, if some of its stages are
        already finished.
        """
        self.seconds = {stage.key: cost(stage) for stage in stages}
        self._slots = slots
        self._stages = {stage.key: stage for stage in stages}
        self._missing = {
            stage.key: {key for key in stage.inputs.values() if key in self._stages} for stage in self._stages.values()
        }
        self._readers: dict[str, list[str]] = {key: [] for key in self._stages}
        for key, inputs in self._missing.items():
            for one in inputs:
                self._readers[one].append(key)
        self._behind = self._chains(max)
        self._ahead = self._chains(min)
        self._alone = _bottlenecks(plan or self._stages.values())
        self._left = sum(self.seconds.values())
        self._ready: set[str] = set()
        self._nearest: list[tuple[float, int, str]] = []
        self._longest: list[tuple[float, int, str]] = []
        self._number = 0
        for key, inputs in self._missing.items():
            if not inputs:
                self._offer(key)

    def take(self) -> Stage | None:
        """Returns the next stage to start; None if all remaining ones wait for running stages."""
        if not self._ready:
            return None
        while self._longest[0][2] not in self._ready:  # taken from the other one
            heapq.heappop(self._longest)
        much = self._left >= _MUCH * self._slots * -self._longest[0][0]
        waiting = self._nearest if much or self._slots == 1 else self._longest
        while (key := heapq.heappop(waiting)[2]) not in self._ready:
            pass
        self._ready.remove(key)
        self._left -= self.seconds[key]
        return self._stages[key]

    def again(self, key: str) -> None:
        """Makes a stage that was taken available again."""
        self._left += self.seconds[key]
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
        self._number += 1  # stages that are equal keep the plan's order
        self._ready.add(key)
        heapq.heappush(self._nearest, (self._ahead[key], self._number, key))
        heapq.heappush(self._longest, (-self._behind[key], self._number, key))

    def _chains(self, choose: Callable[[list[float]], float]) -> dict[str, float]:
        """Returns, for each stage, the seconds to the end of its longest or shortest chain of dependents."""
        behind: dict[str, float] = {}
        for key in reversed(list(self._stages)):  # stages come after their inputs
            after = [behind[reader] for reader in self._readers[key]]
            behind[key] = self.seconds[key] + (choose(after) if after else 0.0)
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


def estimate(stages: Sequence[Stage], slots: int, cost: Callable[[Stage], float] = by_kind) -> float:
    """Returns the expected wall time in seconds: work divided by `slots`, or the longest chain if that is longer."""
    schedule = Schedule(stages, cost)
    return max(sum(schedule.seconds.values()) / max(1, slots), schedule.longest_chain())
