"""Assigns rows to batches: the order of rows within a part, and how the parts of a mixture alternate."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from xtransfer.base.randomness import derived
from xtransfer.kinds.batches import epoch_order


@dataclass(frozen=True)
class BatchPlan:
    """Which rows make which batch, as a function of the step alone, so resuming needs no saved order.

    Without `turns`, an epoch is one pass over all rows. With `turns`, a part has that many batches per epoch and
    continues in the next epoch where it stopped: all its rows are seen before any is repeated.
    """

    sizes: dict[str, int]  # part → rows
    batch_size: int
    seed: int
    turns: Mapping[str, int] = field(default_factory=dict)  # part → batches per epoch
    in_rotation: bool = False  # one batch of each part in turn; otherwise in random order

    @property
    def per_epoch(self) -> int:
        """Batches per epoch; the last batch of each pass over a part may be smaller."""
        return sum(self._turns_of(name) for name in self.sizes)

    def batches(self, first: int) -> Iterator[tuple[str, list[int]]]:
        """Yields (part, row indices) without end, starting with step `first` (1, 2 …)."""
        epoch, skipped = divmod(first - 1, self.per_epoch)
        while True:
            yield from itertools.islice(self._epoch(epoch), skipped, None)
            epoch, skipped = epoch + 1, 0

    def rows_in(self, steps: int) -> int:
        """Returns the number of rows in the first `steps` steps."""
        return sum(len(indexes) for _, indexes in itertools.islice(self.batches(1), steps))

    def _epoch(self, epoch: int) -> list[tuple[str, list[int]]]:
        parts = [[(name, indexes) for indexes in self._part(name, epoch)] for name in self.sizes]
        if self.in_rotation:
            return list(itertools.chain.from_iterable(zip(*parts, strict=True)))
        made = list(itertools.chain.from_iterable(parts))
        if len(parts) == 1:
            return made
        return [made[index] for index in epoch_order(len(made), derived(self.seed, "mixture"), epoch)]

    def _part(self, name: str, epoch: int) -> Iterator[list[int]]:
        """Yields a part's batches of an epoch: the next ones of its endless passes, each pass in a new order."""
        size, turns = self.sizes[name], self._turns_of(name)
        in_pass = math.ceil(size / self.batch_size)
        numbers = range(epoch * turns, (epoch + 1) * turns)
        for number_of_pass, own in itertools.groupby(numbers, lambda number: number // in_pass):
            order = epoch_order(size, derived(self.seed, "order", name), number_of_pass)
            for start in ((number % in_pass) * self.batch_size for number in own):
                yield order[start : start + self.batch_size]

    def _turns_of(self, name: str) -> int:
        return self.turns.get(name) or math.ceil(self.sizes[name] / self.batch_size)
