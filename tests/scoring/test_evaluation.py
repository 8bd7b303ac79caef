from __future__ import annotations

from typing import Any

import evaluate
import pytest

from xtransfer.base.errors import DataError, RequestError
from xtransfer.metrics.evaluation import metric
from xtransfer.metrics.metrics import METRICS, Shape

SAMPLES: dict[Shape, tuple[list[Any], list[Any]]] = {  # predictions, references
    "texts": (["b", "a"], ["b", "b"]),
    "numbers": ([0.5, 1.0, 2.0], [1.0, 3.0, 2.0]),
    "tags": ([["B-PER", "O"], ["O"]], [["B-PER", "O"], ["B-LOC"]]),
    "sets": ([["a"], ["b"]], [["a"], ["c"]]),
    "rankings": ([["a", "b"], ["b", "a"]], [["b"], ["b"]]),
    "answers": (["a house", "no"], [["the house", "house"], ["yes"]]),
}


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_an_evaluate_metric(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a metric went to the network"))
    own = metric(name)
    predictions, references = SAMPLES[METRICS[name].shape]
    assert isinstance(own, evaluate.Metric)
    assert own.description == METRICS[name].definition
    ours = METRICS[name].compute(references, predictions)
    assert own.compute(predictions=predictions, references=references) == {name: ours}


def test_values_are_right() -> None:
    assert metric("accuracy").compute(predictions=["1", "2"], references=["1", "1"]) == {"accuracy": 50.0}
    found = metric("tag_f1").compute(predictions=[["B-PER", "I-PER", "O"]], references=[["B-PER", "I-PER", "B-LOC"]])
    assert found == {"tag_f1": pytest.approx(200 / 3)}


def test_label_ids_are_taken_as_they_are() -> None:
    assert metric("accuracy").compute(predictions=[0, 1, 2], references=[0, 1, 1]) == {
        "accuracy": pytest.approx(200 / 3)
    }


def test_batches_may_be_added_and_language_named() -> None:
    own = metric("tag_accuracy")
    for tags in (["A", "B"], ["C"]):
        own.add_batch(predictions=[tags], references=[["A"] * len(tags)])
    assert own.compute(language="de") == {"tag_accuracy": pytest.approx(100 / 3)}


def test_refusals() -> None:
    with pytest.raises(RequestError, match="did you mean 'tag_f1'"):
        metric("tagf1")
    with pytest.raises(DataError, match="accuracy: no items"):
        metric("accuracy").compute(predictions=[], references=[])
    with pytest.raises(ValueError, match="Mismatch in the number of predictions"):
        metric("accuracy").compute(predictions=["a"], references=["a", "b"])
