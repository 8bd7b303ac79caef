"""The metrics, by name. All are in points, 0-100."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from xtransfer.errors import DataError, unknown


@dataclass(frozen=True)
class Metric:
    """One number for a list of items, and one for each item where that has a meaning."""

    name: str
    definition: str
    measure: Callable[[Sequence[Any], Sequence[Any], str], float]  # golds, predictions, language → points
    per_item: Callable[[Any, Any, str], float | None]  # gold, prediction, language → points of one item, or None
    maximum: float = 100.0
    minimum: float = 0.0

    def compute(self, golds: Sequence[Any], predictions: Sequence[Any], language: str = "en") -> float:
        """Points; raises DataError for no items, or for unequally many golds and predictions.

        `language` is that of the texts, for metrics that normalise by language.
        """
        if len(golds) != len(predictions):
            raise DataError(f"{self.name}: {len(predictions)} predictions for {len(golds)} golds; give one each")
        if not golds:
            raise DataError(f"{self.name}: no items; an empty split has no score")
        return self.measure(golds, predictions, language)


def _accuracy(golds: Sequence[Any], predictions: Sequence[Any], language: str) -> float:
    from xtransfer.scoring.accuracy import Accuracy  # evaluate takes seconds to import

    metric = Accuracy(keep_in_memory=True)
    result = metric.compute(predictions=list(map(str, predictions)), references=list(map(str, golds)))
    return float(result["accuracy"])


ACCURACY = Metric(
    name="accuracy",
    definition="share of items whose prediction equals the gold answer",
    measure=_accuracy,
    per_item=lambda gold, prediction, language: 100.0 * (str(gold) == str(prediction)),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in (ACCURACY,)}


def get(name: str) -> Metric:
    """The metric of a name; raises RequestError for an unknown one."""
    if name not in METRICS:
        raise unknown("metric", name, METRICS)
    return METRICS[name]
