"""What an estimate shows. Every page, table, plot and sentence takes its verdict from here.

Only an interval that covers runs says what another training run would give. With one run, another seed may reverse
the result, however narrow the interval over test items is, so the verdict is "unknown". Losing runs therefore never
makes a study more certain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Row = Mapping[Any, Any]  # of a data frame, by column; Any: pandas does not know the types of its columns
State = Literal["up", "down", "open", "unknown", ""]
_TURNED: dict[State, State] = {"up": "down", "down": "up"}
_OVER = {"items": "test items", "seeds": "seeds", "encoders": "encoders"}
COLUMNS = ("covers", "runs", "n_runs", "n_planned", "family", "verdict", "reason")  # of a data frame
NO_P = 2  # runs: up to 7.9% of languages without a difference would have p < 0.05


@dataclass(frozen=True)
class Verdict:
    """What an estimate shows about a difference, and what it is based on."""

    state: State  # "up", "down", "open" (the interval includes 0), "unknown", "" (nothing is compared)
    covers: str  # what the interval takes as random: "seeds and items", "encoders", "items", "nothing" …
    runs: str  # what a run is: "seeds", or "encoders" where encoders are pooled
    num_runs: int  # behind the estimate
    num_planned: int  # in the study
    family: int = 1  # comparisons that the interval holds for together; 1: this one alone

    @classmethod
    def of(
        cls, low: float, high: float, covers: str, runs: str, num_runs: int, num_planned: int, family: int = 1
    ) -> Verdict:
        """Returns the verdict on a difference whose 95% interval is `low` to `high` (NaN: no interval)."""
        known = low == low and runs in covers
        state: State = "unknown" if not known else "up" if low > 0 else "down" if high < 0 else "open"
        return cls(state, covers, runs, num_runs, num_planned, family)

    @property
    def has_p(self) -> bool:
        """Whether a p value is given: not for two runs, where too many are below 0.05 (docs, calibration)."""
        return self.is_known and self.num_runs != NO_P

    @classmethod
    def read(cls, row: Row) -> Verdict:
        """Returns the verdict in a row of a data frame with `COLUMNS`."""
        return cls(row["verdict"], row["covers"], row["runs"], int(row["n_runs"]), int(row["n_planned"]),
                   int(row["family"]))  # fmt: skip

    @property
    def columns(self) -> dict[str, object]:
        """The values of `COLUMNS`."""
        values = (self.covers, self.runs, self.num_runs, self.num_planned, self.family, self.state, self.reason)
        return dict(zip(COLUMNS, values, strict=True))

    @property
    def is_sure(self) -> bool:
        """Whether tables and plots mark it: bold, coloured, with a dot or filled."""
        return self.state in ("up", "down")

    @property
    def is_known(self) -> bool:
        return self.state in ("up", "down", "open")

    @property
    def run(self) -> str:
        """The word for a run: "run", or "encoder" where encoders are pooled."""
        return "encoder" if self.runs == "encoders" else "run"

    @property
    def reason(self) -> str:
        """Why the state is unknown; empty if it is known."""
        if self.state != "unknown":
            return ""
        if self.num_runs != 1:
            same = f"not known, since every {self.run} gave the same difference"
            return same if self.num_runs else f"not known without a usable {self.run}"
        lost = f", all that is left of {self.num_planned}" if self.num_runs < self.num_planned else ""
        return f"not known from one {self.run}{lost}"

    @property
    def over(self) -> str:
        """What the interval covers, in words: "seeds and test items", "test items only"; empty without an interval."""
        names = [_OVER[name] for name in self.covers.split(" and ") if name in _OVER]
        return " and ".join(names) + " only" * (len(names) == 1)

    @property
    def made_from(self) -> str:
        """`2 of 3 runs` if runs were lost; empty if none was."""
        return f"{self.num_runs} of {self.num_planned} {self.run}s" if self.num_runs < self.num_planned else ""

    @property
    def together(self) -> str:
        """Whom the interval holds for together: "all 4 comparisons"; empty where it stands alone."""
        return f"all {self.family} comparisons" if self.family > 1 and self.is_known else ""

    def turned(self) -> Verdict:
        """Returns the verdict on the same difference with its sign changed."""
        return replace(self, state=turned(self.state))


def ends(row: Row) -> tuple[float, float]:
    """Returns the interval that the verdict of a row of gains or contrasts rests on: simultaneous on means."""
    if row.get("family", 1) > 1:
        return float(row["joint_low"]), float(row["joint_high"])
    return float(row["low"]), float(row["high"])


def turned(state: State) -> State:
    """Returns the state of a difference with its sign changed."""
    return _TURNED.get(state, state)
