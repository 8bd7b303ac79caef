"""Every metric as an `evaluate.Metric` that downloads nothing: `metric("tag_f1").compute(predictions=…, …)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import datasets
import evaluate

from xtransfer.base.errors import DataError
from xtransfer.metrics import metrics
from xtransfer.metrics.metrics import Shape

_TEXT, _ID, _NUMBER = datasets.Value("string"), datasets.Value("int64"), datasets.Value("float64")
_TEXTS = datasets.List(_TEXT)
# (prediction, reference) types, several if any of them will do
_FEATURES: Mapping[Shape, list[tuple[object, object]]] = {
    "texts": [(_TEXT, _TEXT), (_ID, _ID)],
    "numbers": [(_NUMBER, _NUMBER)],
    "tags": [(_TEXTS, _TEXTS)],
    "sets": [(_TEXTS, _TEXTS)],
    "rankings": [(_TEXTS, _TEXTS)],
    "answers": [(_TEXT, _TEXTS)],
}


class Evaluation(evaluate.Metric):  # type: ignore[misc]  # evaluate has no types
    """Computes {name: points} for the metric `config_name`; `compute(..., language="de")` sets the texts' language."""

    def compute(self, **inputs: Any) -> Any:
        """Same as `evaluate.Metric.compute`, which has no types; raises DataError if there are no items."""
        if any(name in inputs and not len(inputs[name]) for name in ("predictions", "references")):
            raise DataError(f"{self.config_name}: no items to score; the split is empty")
        return super().compute(**inputs)

    def _info(self) -> evaluate.MetricInfo:
        own = metrics.get(self.config_name)
        features = [
            datasets.Features({"predictions": prediction, "references": reference})
            for prediction, reference in _FEATURES[own.shape]
        ]
        return evaluate.MetricInfo(description=own.definition, citation="", features=features)

    def _compute(self, predictions: list[object], references: list[object], language: str = "en") -> dict[str, float]:
        return {self.config_name: metrics.get(self.config_name).compute(references, predictions, language)}


def metric(name: str) -> Evaluation:
    """Returns the `evaluate.Metric` with this name; raises RequestError if there is none."""
    return Evaluation(config_name=metrics.get(name).name, keep_in_memory=True)
