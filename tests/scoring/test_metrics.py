from __future__ import annotations

import subprocess
import sys

import pytest

from xtransfer.base.errors import DataError, RequestError
from xtransfer.metrics.metrics import METRICS, get


def test_accuracy_is_the_share_of_equal_answers_in_points() -> None:
    assert get("accuracy").compute([0, 1, 2, 1], [0, 1, 1, 1]) == 75.0
    assert get("accuracy").compute(["x", "y", "z"], ["y", "y", "z"]) == pytest.approx(200 / 3)


def test_accuracy_compares_texts() -> None:
    assert get("accuracy").compute(["1", 2, "x"], [1, "2", "X"]) == pytest.approx(200 / 3)


def test_metrics_are_quick_to_import() -> None:
    """`evaluate` takes seconds; it is for users of `scoring.evaluation` alone."""
    code = "import sys, xtransfer.metrics.metrics; sys.exit('evaluate' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_per_item_adds_up_to_the_score() -> None:
    golds, predictions = [0, 1, 2], [0, 2, 2]
    metric = get("accuracy")
    items = [metric.per_item(gold, prediction, "en") for gold, prediction in zip(golds, predictions, strict=True)]
    assert items == [100.0, 0.0, 100.0]
    assert sum(filter(None, items)) / 3 == pytest.approx(metric.compute(golds, predictions))


def test_nothing_has_no_score() -> None:
    with pytest.raises(DataError, match="no items"):
        get("accuracy").compute([], [])
    with pytest.raises(DataError, match="1 predictions for 2 golds"):
        get("accuracy").compute([1, 1], [1])


def test_unknown_metric() -> None:
    assert all(name == metric.name and metric.maximum == 100 for name, metric in METRICS.items())
    with pytest.raises(RequestError, match="did you mean 'accuracy'"):
        get("acuracy")
