"""What an estimate may be said to show. Every page, table, plot and sentence takes it from here.

Only an interval that covers runs can say what another training run would give. With one run, another seed may turn
the result round, however narrow the interval over test items is: the verdict is then "unknown". Losing runs can so
never make a study surer than it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

State = Literal["up", "down", "open", "unknown", ""]
_TURNED: dict[State, State] = {"up": "down", "down": "up"}
_OVER = {"items": "test items", "seeds": "seeds", "encoders": "encoders"}
COLUMNS = ("covers", "runs", "n_runs", "n_planned", "verdict", "reason")  # of a data frame


@dataclass(frozen=True)
class Verdict:
    """What an estimate shows of a difference, and what it stands on."""

    state: State  # "up", "down", "open" (the interval includes 0), "unknown", "" (nothing is compared)
    covers: str  # what the interval takes as random: "seeds and items", "encoders", "items", "nothing" …
    runs: str  # what a run is: "seeds", or "encoders" where encoders are pooled
    num_runs: int  # that the estimate is made from
    num_planned: int  # that the study has for it

    @classmethod
    def of(cls, low: float, high: float, covers: str, runs: str, num_runs: int, num_planned: int) -> Verdict:
        """The verdict on a difference of which the 95% interval is `low` to `high` (NaN: there is none)."""
        known = low == low and runs in covers
        state: State = "unknown" if not known else "up" if low > 0 else "down" if high < 0 else "open"
        return cls(state, covers, runs, num_runs, num_planned)

    @classmethod
    def read(cls, row: Mapping[Any, Any]) -> Verdict:
        """The verdict in a row of a data frame with `COLUMNS`."""
        return cls(row["verdict"], row["covers"], row["runs"], int(row["n_runs"]), int(row["n_planned"]))

    @property
    def columns(self) -> dict[str, Any]:
        """The values of `COLUMNS`."""
        values = (self.covers, self.runs, self.num_runs, self.num_planned, self.state, self.reason)
        return dict(zip(COLUMNS, values, strict=True))

    @property
    def is_sure(self) -> bool:
        """Whether it may be marked: bold, coloured, with a dot or a filled sign."""
        return self.state in ("up", "down")

    @property
    def is_known(self) -> bool:
        return self.state in ("up", "down", "open")

    @property
    def run(self) -> str:
        """What a run is called: "run", or "encoder" where encoders are pooled."""
        return "encoder" if self.runs == "encoders" else "run"

    @property
    def reason(self) -> str:
        """Why nothing is known; empty where something is."""
        if self.state != "unknown":
            return ""
        if self.num_runs != 1:
            return "not known without an interval" if self.num_runs else f"not known without a usable {self.run}"
        lost = f", all that is left of {self.num_planned}" if self.num_runs < self.num_planned else ""
        return f"not known from one {self.run}{lost}"

    @property
    def over(self) -> str:
        """What the interval covers, in words: "seeds and test items", "test items only"; empty without an interval."""
        names = [_OVER[name] for name in self.covers.split(" and ") if name in _OVER]
        return " and ".join(names) + " only" * (len(names) == 1)

    @property
    def made_from(self) -> str:
        """`2 of 3 runs` where runs were lost; empty where the study has them all."""
        return f"{self.num_runs} of {self.num_planned} {self.run}s" if self.num_runs < self.num_planned else ""

    def turned(self) -> Verdict:
        """The verdict on the same difference with its sign changed."""
        return replace(self, state=turned(self.state))


def turned(state: State) -> State:
    """The state of a difference with its sign changed."""
    return _TURNED.get(state, state)
