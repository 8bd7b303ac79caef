"""What a study by rounds may spend."""

from __future__ import annotations

import re
from dataclasses import dataclass

from xtransfer.base.errors import RequestError
from xtransfer.base.words import counted, duration

_HOURS = {"h": 1.0, "hours": 1.0, "hour": 1.0, "min": 1 / 60, "m": 1 / 60, "d": 24.0, "days": 24.0, "day": 24.0}
_SPENT = re.compile(r"(\d+(?:\.\d+)?)\s*(?:(gpu|cpu)[\s-]*)?([a-z]+)")


@dataclass(frozen=True)
class Spent:
    """What rounds take."""

    seconds: float = 0.0  # of wall time
    work: float = 0.0  # seconds of all stages together, each on one GPU or CPU core
    cells: int = 0  # scored

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.seconds + other.seconds, self.work + other.work, self.cells + other.cells)


@dataclass(frozen=True)
class Budget:
    """What a run may spend; None: no limit."""

    seconds: float | None = None
    work: float | None = None
    cells: int | None = None

    @classmethod
    def parse(cls, text: object) -> Budget:
        """Parses `4h`, `90min`, `2days`, `20gpuh`, `20cpuh` or `24cells`; raises RequestError for anything else."""
        found = _SPENT.fullmatch(str(text).strip().lower())
        number, device, unit = (float(found[1]), found[2], found[3]) if found else (0.0, None, "")
        if number > 0 and unit in _HOURS:
            seconds = number * _HOURS[unit] * 3600
            return cls(work=seconds) if device else cls(seconds=seconds)
        if number >= 1 and unit in ("cells", "cell") and not device and number.is_integer():
            return cls(cells=int(number))
        raise RequestError(
            f"budget '{text}': write a time, such as 4h, 90min or 2days, hours of all GPUs or CPU cores together: "
            "20gpuh or 20cpuh, or a number of cells: 24cells"
        )

    def lacks(self, more: Spent, spent: Spent = Spent()) -> str:
        """Returns why a round cannot be afforded any more after what is spent; empty if it can."""
        if self.seconds is not None and spent.seconds + more.seconds > self.seconds:
            left = max(0.0, self.seconds - spent.seconds)
            return f"the next round takes about {duration(more.seconds)}, and the budget has {duration(left)} left"
        if self.work is not None and spent.work + more.work > self.work:
            rest = duration(max(0.0, self.work - spent.work))
            return f"the stages of the next round take about {duration(more.work)}, and the budget has {rest} left"
        if self.cells is not None and spent.cells + more.cells > self.cells:
            cells = counted(more.cells, "cell")
            return f"the next round scores {cells}, and the budget has {self.cells - spent.cells} left"
        return ""
