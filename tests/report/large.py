"""Grids of numbers as large studies have them, without any run."""

from __future__ import annotations

import numpy as np

from xtransfer.analysis import ANY, BUT_EN, DIRECT, OTHERS
from xtransfer.analysis.verdict import Verdict
from xtransfer.base.languages import XTREME_R
from xtransfer.report.tables import Grid, Number

LONG = "mnli@en+squad@en+hellaswag@en+mnli@de~some-translation-engine"


def grid(num_languages: int = 50, num_intermediates: int = 12, *, long_names: bool = False) -> Grid:
    """Drawn scores and gains; every third interval excludes 0."""
    rng = np.random.default_rng(0)
    names = [LONG + str(n) if long_names else f"mnli@{XTREME_R[n]}" for n in range(num_intermediates)]
    rows = [DIRECT, *names, ANY]
    columns = [*XTREME_R[:num_languages], BUT_EN, OTHERS]
    numbers = {}
    for row in rows:
        for number, column in enumerate(columns):
            gain = float("nan") if row == DIRECT else float(rng.normal(1, 4))
            sure = row != DIRECT and number % 3 == 0
            half = abs(gain) / 2 if sure else abs(gain) * 2
            verdict = Verdict.of(gain - half, gain + half, "seeds and items", "seeds", 5, 5)
            numbers[row, column] = Number(float(rng.uniform(30, 90)), gain, gain - half, gain + half, verdict)
    return Grid("xnli", "xlmr@abc", rows, columns, numbers, dict.fromkeys(rows, 5), dict.fromkeys(rows, 0), 1)
