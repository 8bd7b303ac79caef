"""What a study by rounds may spend."""

from __future__ import annotations

import re
from dataclasses import dataclass

from xtransfer.base.errors import RequestError
from xtransfer.base.words import counted, duration

_HOURS = {"h": 1.0, "hours": 1.0, "hour": 1.0, "min": 1 / 60, "m": 1 / 60, "d": 24.0, "days": 24.0, "day": 24.0}
_SPENT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")


@dataclass(frozen=True)
class Budget:
    """Time that a run may take, or cells that it may score; None: no limit."""

    seconds: float | None = None
    cells: int | None = None

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Parses `4h`, `90min`, `2days` or `24cells`; raises RequestError for anything else."""
        found = _SPENT.fullmatch(text.strip().lower())
        number, unit = (float(found[1]), found[2]) if found else (0.0, "")
        if number > 0 and unit in _HOURS:
            return cls(seconds=number * _HOURS[unit] * 3600)
        if number >= 1 and unit in ("cells", "cell") and number.is_integer():
            return cls(cells=int(number))
        raise RequestError(f"budget '{text}': write a time, such as 4h, 90min or 2days, or a number of cells: 24cells")

    def lacks(self, seconds: float, cells: int, spent_seconds: float = 0.0, spent_cells: int = 0) -> str:
        """Returns why a round of so many seconds and cells cannot be afforded any more; empty if it can."""
        if self.seconds is not None and spent_seconds + seconds > self.seconds:
            left = max(0.0, self.seconds - spent_seconds)
            return f"the next round takes about {duration(seconds)}, and the budget has {duration(left)} left"
        if self.cells is not None and spent_cells + cells > self.cells:
            return f"the next round scores {counted(cells, 'cell')}, and the budget has {self.cells - spent_cells} left"
        return ""
