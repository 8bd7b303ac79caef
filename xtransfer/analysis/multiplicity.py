"""p values for several questions asked at once. NaN marks a question without an answer; it counts as not asked."""

from __future__ import annotations

import numpy as np


def holm(p: np.ndarray) -> np.ndarray:
    """p values that bound the chance of any false positive (Holm, "A simple sequentially rejective multiple test
    procedure", 1979); valid whatever the dependence."""
    order, ranked = _ranked(p)
    steps = len(ranked) - np.arange(len(ranked))
    return _placed(p, order, np.maximum.accumulate(steps * ranked))


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """p values that bound the expected share of false ones among the positives (Benjamini & Hochberg, "Controlling
    the false discovery rate", 1995); valid where the questions are independent or depend positively."""
    order, ranked = _ranked(p)
    steps = len(ranked) / (1 + np.arange(len(ranked)))
    return _placed(p, order, np.minimum.accumulate((steps * ranked)[::-1])[::-1])


def _ranked(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    return order, p[order]


def _placed(p: np.ndarray, order: np.ndarray, adjusted: np.ndarray) -> np.ndarray:
    found = np.full(len(p), np.nan)
    found[order] = np.minimum(adjusted, 1.0)
    return found
