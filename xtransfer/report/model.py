"""The mixed-effects model of the gains in words: what goes with a larger gain, and what this study cannot tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from xtransfer.analysis.statistic import signed

# how a unit of a term of `xtransfer.analysis.predictors` is said
_UNITS = {
    "distance": "Each step that the test language is further from the intermediate's in the family tree",
    "same_script": "A script that the intermediate and the test language share",
    "log2_rows_seen": "Each doubling of the rows that intermediate training saw",
    "translated": "Translation of the intermediate from English, instead of native rows,",
}


@dataclass(frozen=True)
class Model:
    """The model of one target."""

    target: str
    terms: list[dict[Any, Any]]  # rows of `mixed_effects`
    sentences: list[str]

    @property
    def is_fitted(self) -> bool:
        return any(pd.notna(row["estimate"]) for row in self.terms)


def models(effects: pd.DataFrame) -> list[Model]:
    """One for every target with gains of the frame that `xtransfer.analysis.mixed_effects` gives."""
    return [
        Model(str(target), rows, [_said(row) for row in rows if pd.notna(row["estimate"])])
        for target, part in effects[effects["n"] > 0].groupby("target", sort=False)
        for rows in [part.to_dict("records")]
    ]


def _said(row: dict[Any, Any]) -> str:
    low, high = row["low"], row["high"]
    unit = _UNITS.get(row["term"], row["term"])
    change = f"{signed(row['estimate'])} points of gain (95% interval {signed(low)} to {signed(high)})"
    if row["verdict"] == "unknown":
        return f"{unit} went with {change}; what it goes with in general is {row['note']}."
    if row["verdict"] in ("up", "down"):
        return f"{unit} goes with {change}."
    return f"{unit} goes with no difference that this study can show: {change}."
