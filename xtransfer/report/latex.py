"""Tables for a paper: LaTeX with the package booktabs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from xtransfer.analysis import BUT_EN, DIRECT, OTHERS
from xtransfer.analysis.statistic import signed
from xtransfer.base.latex import escape, minus, tabular
from xtransfer.report.model import Model
from xtransfer.report.tables import Grid, Number, heading, parts


def gains_table(grid: Grid) -> str:
    """Returns a table of the scores of `direct` and the gains over it, in points; bold if the interval excludes 0.

    Only the mean over the other languages shows its interval. Many languages are split over several tabulars.
    """
    caption = (
        f"Zero-shot results on {escape(grid.title)}: the score of direct fine-tuning in points, then the gain of each "
        f"intermediate over it; {escape(grid.legend('bold'))}."
    )
    name = f"tab:gains-{grid.target}-{grid.encoder}"
    return _table([_tabular(part) for part in parts(grid)], caption, name)


def model_table(model: Model) -> str:
    """Returns the coefficients of one target's mixed-effects model; dashes for terms that could not be estimated."""
    lines = [r"term & estimate & 95\% interval & $p$ \\", r"\midrule"]
    for row in model.terms:
        numbers = ["--"] * 3
        if pd.notna(row["estimate"]):
            interval = minus(f"[{signed(row['low'])}, {signed(row['high'])}]") if pd.notna(row["low"]) else "--"
            p = "--" if pd.isna(row["p"]) else "$<$0.001" if row["p"] < 0.001 else f"{row['p']:.3f}"
            numbers = [minus(signed(row["estimate"])), interval, p]
        lines.append(" & ".join([escape(row["term"].replace("_", " ")), *numbers]) + r" \\")
    caption = (
        f"Mixed-effects model of the gain on {escape(model.target)} in points, with random intercepts for intermediate "
        "and test language."
    )
    unknown = [row for row in model.terms if row["verdict"] == "unknown"]
    reasons = dict.fromkeys(row["note"] for row in unknown if pd.notna(row["low"]))
    caption += "".join(f" Whether the estimates hold in general is {escape(note)}." for note in reasons)
    caption += "".join(
        f" No interval for {escape(row['term'].replace('_', ' '))} ({escape(row['note'])})."
        for row in unknown
        if pd.isna(row["low"])
    )
    return _table([tabular("lrrr", lines)], caption, f"tab:model-{model.target}")


def _table(tabulars: Sequence[str], caption: str, name: str) -> str:
    body = "\n\n\\medskip\n".join(tabulars)
    label = "".join(character if character.isalnum() or character in ":-" else "-" for character in name)
    lines = [r"\begin{table*}", r"\centering\small\setlength{\tabcolsep}{3.5pt}", body,
             rf"\caption{{{caption}}}", rf"\label{{{label}}}", r"\end{table*}"]  # fmt: skip
    return "\n".join(lines) + "\n"


def _tabular(grid: Grid) -> str:
    lines = [" & ".join(["intermediate", *(escape(heading(one)) for one in grid.columns)]) + r" \\", r"\midrule"]
    headline = OTHERS if OTHERS in grid.columns else BUT_EN
    compared = grid.compared
    for name in grid.rows:
        is_gain = name in compared
        cells = [
            _cell(grid.numbers.get((name, one)), is_gain=is_gain, with_interval=one == headline) for one in grid.columns
        ]
        lines.append(" & ".join([escape(name), *cells]) + r" \\")
        if name == DIRECT and len(grid.rows) > 1:
            lines.append(r"\midrule")
    return tabular("l" + "r" * len(grid.columns), lines)


def _cell(number: Number | None, *, is_gain: bool, with_interval: bool) -> str:
    if number is None:
        return "--"
    if not is_gain:
        return f"{number.value:.1f}"
    gain = minus(number.gain_text)
    shown = rf"\textbf{{{gain}}}" if number.verdict.is_sure else gain
    if not (with_interval and number.interval_text):
        return shown or "--"
    return rf"{shown} {{\scriptsize {minus(number.interval_text)}}}"
