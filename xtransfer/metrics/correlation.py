"""Correlations of scores, as scipy computes them, in points from -100 to 100.

scipy gives nan where predictions are all equal or not all finite, and the field's scorers, which call it, pass
that on. Such a model orders nothing, so it has 0.0 here: the score of guessing. A nan could be neither stored nor
averaged, and leaving the language out would flatter the model.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

from xtransfer.base.errors import DataError


def spearman(golds: Sequence[float], predictions: Sequence[float], language: str = "en") -> float:
    """Spearman's rank correlation in points, equal values with their mean rank; DataError for equal golds."""
    return _points("spearman", golds, predictions)


def pearson(golds: Sequence[float], predictions: Sequence[float], language: str = "en") -> float:
    """Pearson's linear correlation in points; DataError for equal golds."""
    return _points("pearson", golds, predictions)


def _points(name: Literal["spearman", "pearson"], golds: Sequence[float], predictions: Sequence[float]) -> float:
    import numpy as np  # metrics are also listed where nothing is computed, and these two take a second to import
    from scipy import stats

    gold, predicted = np.asarray(golds, dtype=np.float64), np.asarray(predictions, dtype=np.float64)
    if not np.isfinite(gold).all() or (gold == gold[0]).all():
        same = f"all {len(gold)} are {golds[0]}" if (gold == gold[0]).all() else "some are not numbers"
        raise DataError(f"{name}: the gold scores have no order ({same}): they are hidden, or too few")
    if not np.isfinite(predicted).all() or (predicted == predicted[0]).all():
        return 0.0
    measure = stats.spearmanr if name == "spearman" else stats.pearsonr
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of predictions that are nearly equal: the figure is still scipy's
        value = float(measure(gold, predicted).statistic)
    return 100 * value if np.isfinite(value) else 0.0
