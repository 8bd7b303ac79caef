"""The mixed-effects model of the gains in sentences: what goes with larger gains, and what stays unknown."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from xtransfer.analysis.statistic import signed
from xtransfer.analysis.verdict import Row

# term of `xtransfer.analysis.predictors` → one unit of it in words
_UNITS = {
    "distance": "Each step that the test language is further from the intermediate's in the family tree",
    "same_script": "A shared script of intermediate and test language",
    "log2_rows_seen": "Each doubling of the rows seen in intermediate training",
    "translated": "Translation of the intermediate from English, instead of native rows,",
}


@dataclass(frozen=True)
class Model:
    """The mixed-effects model of one target."""

    target: str
    terms: list[Row]  # rows of `mixed_effects`
    sentences: list[str]

    @property
    def is_fitted(self) -> bool:
        return any(pd.notna(row["estimate"]) for row in self.terms)


def models(effects: pd.DataFrame) -> list[Model]:
    """Returns one model per target that has gains. `effects`: frame of `xtransfer.analysis.mixed_effects`."""
    return [
        Model(str(target), [*rows], [_said(row) for row in rows if pd.notna(row["estimate"])])
        for target, part in effects[effects["n"] > 0].groupby("target", sort=False)
        for rows in [part.to_dict("records")]
    ]


def _said(row: Row) -> str:
    low, high = row["low"], row["high"]
    unit = _UNITS.get(row["term"], row["term"])
    change = f"{signed(row['estimate'])} points of gain"
    if pd.isna(low):
        return f"{unit} went with {change}, without an interval ({row['note']})."
    change += f" (95% interval {signed(low)} to {signed(high)})"
    if row["verdict"] == "unknown":
        return f"{unit} went with {change}; whether that holds in general is {row['note']}."
    if row["verdict"] in ("up", "down"):
        return f"{unit} goes with {change}."
    return f"{unit} goes with no difference that this study can detect: {change}."
