"""Accuracy as an `evaluate.Metric` that needs no download.

Follows google-research/xtreme's evaluate.py for XNLI, PAWS-X, XCOPA and Tatoeba: the share of items whose
prediction is, as text, the gold answer.
"""

from __future__ import annotations

import datasets
import evaluate


class Accuracy(evaluate.Metric):
    """{"accuracy": points, 0-100}; the share of equal texts."""

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description="Share of items whose prediction equals the gold answer, in points.",
            citation="",
            features=datasets.Features({"predictions": text, "references": text}),
        )

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        right = sum(one == other for one, other in zip(predictions, references, strict=True))
        return {"accuracy": 100 * right / len(references)}
