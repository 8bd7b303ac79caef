"""Kind `mining` against jiant's bucc2018.py (jiant_mining.json names the commit), and by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.kinds.words import tokenizer
from xtransfer.benchmarks import get
from xtransfer.benchmarks.spec import Row
from xtransfer.data.load import load_rows
from xtransfer.kinds import mining
from xtransfer.kinds.mining import Pair, best_threshold
from xtransfer.metrics.metrics import METRICS

CASES = json.loads((Path(__file__).parent / "jiant_mining.json").read_text(encoding="utf-8"))["cases"]


def _unit(vectors: list[list[float]]) -> list[torch.Tensor]:
    return [torch.nn.functional.normalize(torch.tensor([one]), dim=-1) for one in vectors]


def _row(name: str, text: str, side: str, *partners: str) -> Row:
    return {"id": name, "group": name, "text": text, "side": side, "partners": list(partners)}


def _score(metric: str, rows: list[Row], predictions: list[Any]) -> float:
    return METRICS[metric].compute([row["partners"] for row in rows], [one.value for one in predictions], "de")


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_pairs_are_those_of_jiant(case: dict[str, Any]) -> None:
    pairs = mining.mine(_unit(case["vectors"]), case["rows"])
    assert {(pair.source, pair.target) for pair in pairs} == {(one, other) for one, other, _ in case["pairs"]}
    expected = {(one, other): margin for one, other, margin in case["pairs"]}
    assert [pair.margin for pair in pairs] == sorted((pair.margin for pair in pairs), reverse=True)
    for pair in pairs:
        assert pair.margin == pytest.approx(expected[pair.source, pair.target], rel=1e-4)


@pytest.mark.parametrize("case", [case for case in CASES if case["f1"] is not None])
def test_threshold_and_scores_are_those_of_jiant(case: dict[str, Any]) -> None:
    vectors, rows = {"de": _unit(case["vectors"])}, {"de": case["rows"]}
    calibrated = mining.calibrate(vectors, rows)
    assert calibrated["de"] == pytest.approx(case["threshold"], rel=1e-4)
    found = mining.find(vectors, rows, calibrated)["de"]
    for metric in ("f1", "precision", "recall"):
        assert _score(f"bitext_{metric}", case["rows"], found) == case[metric]


def test_threshold_where_every_pair_counts_is_the_last_margin() -> None:
    """There jiant stops with an IndexError."""
    (case,) = (case for case in CASES if case["f1"] is None)
    pairs = mining.mine(_unit(case["vectors"]), case["rows"])
    threshold = best_threshold(pairs, mining.gold(case["rows"]))
    assert threshold == pairs[-1].margin


def test_threshold_by_hand() -> None:
    pairs = [Pair("a", "x", 3.0), Pair("b", "y", 2.0), Pair("c", "z", 1.5), Pair("d", "w", 1.0)]
    assert best_threshold(pairs, {("a", "x")}) == 2.5
    assert best_threshold(pairs, {("a", "x"), ("c", "z")}) == 1.25
    assert best_threshold(pairs, {("a", "x"), ("b", "z")}) == 2.5
    assert best_threshold(pairs, {("e", "v")}) == 0.0
    assert best_threshold([], {("e", "v")}) == 0.0


def test_each_text_is_used_once_and_equal_texts_share_their_partner() -> None:
    rows = [
        _row("de-1", "eins", "source"),
        _row("de-2", "eins", "source"),
        _row("en-1", "one", "target"),
        _row("en-2", "two", "target"),
        _row("de-3", "zwei", "source"),
    ]
    vectors = _unit([[0.0, 1.0], [1.0, 0.1], [1.0, 0.0], [0.7, 0.7], [0.9, 0.5]])
    pairs = mining.mine(vectors, rows)
    assert [(pair.source, pair.target) for pair in pairs] == [("de-1", "en-1"), ("de-2", "en-1"), ("de-3", "en-2")]
    found = mining.find({"de": vectors}, {"de": rows}, {"de": 0.0})["de"]
    assert [one.value for one in found] == [["en-1"], ["en-1"], [], [], ["en-2"]]
    assert [len(one.scores) for one in found] == [1, 1, 0, 0, 1]
    none = mining.find({"de": vectors}, {"de": rows}, {"de": 9.0})["de"]
    assert [one.value for one in none] == [[]] * 5


def test_languages_without_a_side_have_no_pairs() -> None:
    alone = [_row("de-1", "eins", "source", "en-1")]
    vectors = {"de": _unit([[1.0, 0.0]]), "fr": []}
    rows = {"de": alone, "fr": []}
    calibrated = mining.calibrate(vectors, rows)
    assert calibrated == {"de": 0.0, "fr": 0.0}
    found = mining.find(vectors, rows, calibrated)
    assert [one.value for one in found["de"]] == [[]]
    assert found["fr"] == []


def test_encode_is_one_sequence_per_sentence() -> None:
    first, second = mining.encode([_row("de-1", "a b", "source"), _row("en-1", "c", "target")], tokenizer(True), 16)
    assert (first.sequences, first.types) == (((0, 4, 5, 2),), ((0, 0, 0, 0),))
    assert second.sequences == ((0, 6, 2),)


def test_check_names_what_is_wrong() -> None:
    assert mining.check(_row("de-1", "eins", "source", "en-1")) is None
    assert "side is 'left'" in str(mining.check(_row("de-1", "eins", "left")))
    assert "partners is set on a target row" in str(mining.check(_row("en-1", "one", "target", "de-1")))


def test_real_sentences_of_bucc(hub_dir: Path) -> None:
    """Chinese-English, dev: vectors that know the answer find all pairs, and a limit keeps pairs together."""
    rows = load_rows(get("bucc"), "zh", "dev")
    sides = [row["side"] for row in rows]
    assert (sides.count("source"), sides.count("target"), len(mining.gold(rows))) == (8624, 13589, 257)
    assert {row["id"] for row in rows} >= {partner for _, partner in mining.gold(rows)}
    some = load_rows(get("bucc"), "zh", "dev", 1500)
    names = {row["id"] for row in some}
    assert {partner for _, partner in mining.gold(some)} <= names
    generator = torch.Generator().manual_seed(0)
    meaning = {row["group"]: torch.randn(1, 64, generator=generator) for row in some}
    vectors = [torch.nn.functional.normalize(meaning[row["group"]], dim=-1) for row in some]
    calibrated = mining.calibrate({"zh": vectors}, {"zh": some})
    found = mining.find({"zh": vectors}, {"zh": some}, calibrated)["zh"]
    assert _score("bitext_f1", some, found) == 100.0
