"""Correlations of scores, as scipy computes them, in points from -100 to 100.

scipy returns NaN if all predictions are equal or some are not finite, and the usual scorers pass that on. Here such a
model gets 0.0, the score of guessing: NaN can be neither stored nor averaged, and leaving the language out would
flatter the model.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

from xtransfer.base.errors import DataError


def spearman(golds: Sequence[float], predictions: Sequence[float], language: str = "en") -> float:
    """Returns Spearman's rank correlation in points, with mean ranks for ties; DataError if all golds are equal."""
    return _points("spearman", golds, predictions)


def pearson(golds: Sequence[float], predictions: Sequence[float], language: str = "en") -> float:
    """Returns Pearson's linear correlation in points; raises DataError if all golds are equal."""
    return _points("pearson", golds, predictions)


def _points(name: Literal["spearman", "pearson"], golds: Sequence[float], predictions: Sequence[float]) -> float:
    import numpy as np  # imported here: takes a second, and listing metrics does not need it
    from scipy import stats

    gold, predicted = np.asarray(golds, dtype=np.float64), np.asarray(predictions, dtype=np.float64)
    if not np.isfinite(gold).all() or (gold == gold[0]).all():
        same = f"all {len(gold)} are {golds[0]}" if (gold == gold[0]).all() else "some are not finite"
        raise DataError(
            f"{name}: the gold scores cannot be ranked ({same}); they may be hidden, or there are too few rows"
        )
    if not np.isfinite(predicted).all() or (predicted == predicted[0]).all():
        return 0.0
    measure = stats.spearmanr if name == "spearman" else stats.pearsonr
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warns about nearly equal predictions; the value is still scipy's
        value = float(measure(gold, predicted).statistic)
    return 100 * value if np.isfinite(value) else 0.0
