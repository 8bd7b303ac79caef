"""Adjusted p values for several tests at once. NaN marks a test without an answer, which is not counted."""

from __future__ import annotations

import numpy as np


def holm(p: np.ndarray) -> np.ndarray:
    """Returns p values that bound the chance of any false positive, under any dependence (Holm, "A simple
    sequentially rejective multiple test procedure", 1979)."""
    order, ranked = _ranked(p)
    steps = len(ranked) - np.arange(len(ranked))
    return _placed(p, order, np.maximum.accumulate(steps * ranked))


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Returns p values that bound the expected share of false positives among the positives (Benjamini & Hochberg,
    "Controlling the false discovery rate", 1995); valid for independent or positively dependent tests."""
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
