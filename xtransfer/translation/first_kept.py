"""As many translated rows as asked for, whatever is dropped on the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from xtransfer.benchmarks.spec import Row


class Made(Protocol):
    """What was made of rows."""

    @property
    def kept(self) -> list[Row]:
        """Those that stay, in their order and with their ids."""
        ...


M = TypeVar("M", bound=Made)


def first_kept(rows: Sequence[Row], wanted: int, translate: Callable[[Sequence[Row]], M]) -> M:
    """What `translate` makes of the shortest beginning of `rows` of which it keeps `wanted`; of all where it keeps
    fewer. It is asked again with more rows where some were dropped: what it once translated must cost it little."""
    count = min(wanted, len(rows))
    made = translate(rows[:count])
    while len(made.kept) < wanted and count < len(rows):
        lacking, share = wanted - len(made.kept), max(len(made.kept), 1) / count
        count = min(len(rows), count + math.ceil(lacking / share))
        made = translate(rows[:count])
    if made.kept[wanted - 1 :]:
        last = made.kept[wanted - 1]["id"]
        shortest = 1 + next(place for place, row in enumerate(rows) if row["id"] == last)
        made = translate(rows[:shortest]) if shortest < count else made
    return made
