"""Every metric as an `evaluate.Metric` that needs no download: `metric("tag_f1").compute(predictions=…, …)`."""

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
_FEATURES: Mapping[Shape, list[tuple[Any, Any]]] = {  # of a prediction and its reference; several where any will do
    "texts": [(_TEXT, _TEXT), (_ID, _ID)],
    "numbers": [(_NUMBER, _NUMBER)],
    "lists": [(_TEXTS, _TEXTS)],
    "answers": [(_TEXT, _TEXTS)],
}


class Evaluation(evaluate.Metric):
    """{name: points}: one of our metrics, `config_name`. `compute(..., language="de")` names the texts' language."""

    def compute(self, **inputs: Any) -> Any:
        """As `evaluate.Metric.compute`; raises DataError for no items."""
        if any(name in inputs and not len(inputs[name]) for name in ("predictions", "references")):
            raise DataError(f"{self.config_name}: no items; an empty split has no score")
        return super().compute(**inputs)

    def _info(self) -> evaluate.MetricInfo:
        own = metrics.get(self.config_name)
        features = [
            datasets.Features({"predictions": prediction, "references": reference})
            for prediction, reference in _FEATURES[own.shape]
        ]
        return evaluate.MetricInfo(description=own.definition, citation="", features=features)

    def _compute(self, predictions: list[Any], references: list[Any], language: str = "en") -> dict[str, float]:
        return {self.config_name: metrics.get(self.config_name).compute(references, predictions, language)}


def metric(name: str) -> Evaluation:
    """The `evaluate.Metric` of a name; raises RequestError for an unknown one."""
    return Evaluation(config_name=metrics.get(name).name, keep_in_memory=True)
