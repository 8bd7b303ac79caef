from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xtransfer.base.errors import DataError
from xtransfer.metrics import squad
from xtransfer.metrics.metrics import METRICS, get

FIXTURE = json.loads(Path(__file__).with_name("squad.json").read_text(encoding="utf-8"))
NAMES = {"squad1": ("exact_match", "f1"), "squad2": ("squad2_exact_match", "squad2_f1")}
ITEMS: dict[str, Callable[..., float]] = {
    "exact_match": squad.exact_match,
    "f1": squad.f1,
    "squad2_exact_match": squad.exact_match_2,
    "squad2_f1": squad.f1_2,
}


@pytest.mark.parametrize("version", NAMES)
@pytest.mark.parametrize("which", [0, 1])
def test_same_numbers_as_the_official_scorer(version: str, which: int) -> None:
    """Hard inputs in seven languages: each item and the totals, to the last digit."""
    name, rows = NAMES[version][which], FIXTURE[version]
    assert len(rows) > 200
    for answers, prediction, *official in rows:
        if prediction is not None:
            assert ITEMS[name](answers, prediction) == official[which], (answers, prediction)
            assert METRICS[name].per_item(answers, prediction, "en") == 100.0 * official[which]
    golds, predictions = [row[0] for row in rows], [row[1] for row in rows]
    assert predictions.count(None) > 5
    assert get(name).compute(golds, predictions, "de") == FIXTURE["totals"][version][which]


def test_fixture_is_hard_enough() -> None:
    """Among its rows are right, wrong and partly right ones, and texts of every hard sort."""
    for rows in (FIXTURE["squad1"], FIXTURE["squad2"]):
        partly = [row for row in rows if row[3] not in (None, 0.0, 1.0)]
        assert len(partly) > 20
        assert sum(row[2] == 1.0 for row in rows) > 50 < sum(row[2] == 0.0 for row in rows)
    texts = [text for row in FIXTURE["squad1"] for text in (*row[0], row[1] or "")]
    for part in ("🎉", "\u0301", "\u200f", "，", "«", "\u3000"):
        assert any(part in text for text in texts), part


def test_rules_by_hand() -> None:
    assert squad.normal("  The «Cat», an\u3000A-team. ") == "«cat» ateam"
    assert squad.f1(["red green", "green blue blue"], "the blue Blue house") == pytest.approx(2 / 3)
    assert squad.f1(["the"], "") == 0.0
    assert squad.exact_match(["the"], "") == 1.0
    assert squad.f1_2(["the"], "") == squad.exact_match_2([], "An") == 1.0
    assert squad.f1_2([], "word") == 0.0


def test_missing_predictions() -> None:
    """SQuAD 1.1 counts them as wrong; SQuAD 2.0's scorer leaves them out."""
    golds: list[list[str]] = [["x"], ["y"], ["z"]]
    predictions: list[Any] = ["x", None, "q"]
    assert get("exact_match").compute(golds, predictions) == get("f1").compute(golds, predictions) == 100 / 3
    assert get("squad2_f1").compute(golds, predictions) == 50.0
    assert get("squad2_f1").compute(golds, [None] * 3) == 0.0


def test_an_item_without_answers_is_for_squad_2_alone() -> None:
    assert get("squad2_exact_match").compute([[]], [""]) == 100.0
    with pytest.raises(DataError, match="use squad2_f1"):
        get("f1").compute([[]], [""])


def test_they_are_metrics_of_evaluate_too() -> None:
    from xtransfer.metrics.evaluation import metric

    rows = [row for row in FIXTURE["squad1"] if row[1] is not None]
    result = metric("f1").compute(predictions=[row[1] for row in rows], references=[row[0] for row in rows])
    assert result == {"f1": get("f1").compute([row[0] for row in rows], [row[1] for row in rows])}
