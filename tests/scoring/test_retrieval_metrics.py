"""BUCC's F1 and map@20 against google-research/xtreme; each JSON file names the function and the commit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from xtransfer.base.errors import DataError
from xtransfer.metrics.evaluation import metric
from xtransfer.metrics.metrics import get

HERE = Path(__file__).parent
BUCC = json.loads((HERE / "xtreme_bucc_f1.json").read_text(encoding="utf-8"))["cases"]
MAP = json.loads((HERE / "xtreme_map20.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", BUCC, ids=range(len(BUCC)))
def test_mining_scores_are_those_of_xtreme(case: dict[str, Any]) -> None:
    for name in ("f1", "precision", "recall"):
        assert get(f"bitext_{name}").compute(case["golds"], case["predictions"], "de") == case[name]


def test_mining_by_hand() -> None:
    golds = [["x"], [], ["y", "z"], []]
    found = [["x", "x"], ["x"], ["z"], []]  # two right of three, of three that are true
    assert get("bitext_precision").compute(golds, found) == pytest.approx(200 / 3)
    assert get("bitext_recall").compute(golds, found) == pytest.approx(200 / 3)
    assert get("bitext_f1").compute([["x"]], [["y"]]) == 0.0
    assert get("bitext_f1").compute([["x"], []], [[], []]) == 0.0
    assert get("bitext_f1").per_item is None


@pytest.mark.parametrize("case", MAP["cases"], ids=range(len(MAP["cases"])))
def test_average_precision_is_that_of_lareqa(case: dict[str, Any]) -> None:
    per_item = get("map@20").per_item
    assert per_item is not None
    assert per_item(case["gold"], case["prediction"], "de") == 100 * case["ap"]


def test_means_are_those_of_lareqa_and_mewsli_x() -> None:
    cases = MAP["cases"]
    single = [case for case in cases if len(case["gold"]) == 1]
    for some, mean in ((cases, 100 * MAP["mean"]), (single, MAP["mewslix"])):
        golds, rankings = [case["gold"] for case in some], [case["prediction"] for case in some]
        assert get("map@20").compute(golds, rankings) == pytest.approx(mean, rel=1e-14)


def test_average_precision_by_hand() -> None:
    per_item = get("map@20").per_item
    assert per_item is not None
    assert per_item(["a", "b"], ["a", "x", "b"], "en") == pytest.approx(100 * (1 + 2 / 3) / 2)
    assert per_item(["a", "b"], ["x", "b", "b", "a"], "en") == pytest.approx(100 * (1 / 2 + 2 / 4) / 2)
    assert per_item(["a"], [*"bcdefghijklmnopqrstu", "a"], "en") == 0.0
    thirty = [str(number) for number in range(30)]
    assert per_item(thirty, thirty, "en") == 100.0
    assert per_item(thirty, thirty[:5], "en") == 25.0
    assert per_item(["\u00e9"], ["e\u0301"], "en") == 0.0  # composed and decomposed are two ids
    with pytest.raises(DataError, match="no relevant candidate"):
        per_item([], ["a"], "en")


def test_both_are_evaluate_metrics() -> None:
    assert metric("map@20").compute(predictions=[["a", "b"]], references=[["b"]]) == {"map@20": 50.0}
    assert metric("bitext_f1").compute(predictions=[["a"], []], references=[["a"], []]) == {"bitext_f1": 100.0}
