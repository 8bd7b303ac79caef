"""Parity with seqeval 1.2.2: its figures for cases that were made hard on purpose are in seqeval.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xtransfer.base.errors import DataError
from xtransfer.metrics.metrics import get
from xtransfer.metrics.tag_f1 import chunk_f1, chunks

CASES = json.loads((Path(__file__).parent / "seqeval.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_figures_are_those_of_seqeval_to_the_last_digit(case: dict) -> None:
    for name in ("f1", "precision", "recall"):
        assert get(f"tag_{name}").compute(case["golds"], case["predictions"]) == case[name]


def test_chunks_by_hand() -> None:
    assert chunks([["B-PER", "I-PER", "O", "B-LOC"]]) == {("PER", 0, 1), ("LOC", 3, 3)}
    assert chunks([["O", "I-PER", "I-LOC"]]) == {("PER", 1, 1), ("LOC", 2, 2)}, "no B- is needed"
    assert chunks([["B-PER", "B-PER", "E-PER", "S-PER"]]) == {("PER", 0, 0), ("PER", 1, 2), ("PER", 3, 3)}
    assert chunks([["B-PER"], ["I-PER"]]) == {("PER", 0, 0), ("PER", 2, 2)}, "no chunk goes over two sentences"
    assert chunks([[], ["O"]]) == set()


def test_bare_tags_are_read_as_prefix_and_type() -> None:
    assert chunks([["NOUN", "NOUN", "VERB"]]) == {("OUN", 0, 1), ("ERB", 2, 2)}
    assert chunks([["CCONJ", "SCONJ"]]) == {("CONJ", 1, 1)}, "S starts a chunk and none had ended"
    assert chunks([["SCONJ", "CCONJ"]]) == {("CONJ", 0, 0), ("CONJ", 0, 1)}, "S ends a chunk and C starts none"
    assert chunks([["NOUN", "X"], ["DET"]]) == {("OUN", 0, 0), ("ET", 3, 3)}, "an X at the end is lost"


def test_nothing_to_find_is_zero() -> None:
    nothing = chunk_f1([["O", "O"]], [["O", "O"]])
    assert (nothing.f1, nothing.precision, nothing.recall) == (0.0, 0.0, 0.0)


def test_sentences_of_unequal_length() -> None:
    for name in ("tag_f1", "tag_accuracy"):
        with pytest.raises(DataError, match="sentence 1: 1 predicted tags for 2 words"):
            get(name).compute([["O"], ["O", "O"]], [["O"], ["O"]])


def test_tag_accuracy_counts_words() -> None:
    assert get("tag_accuracy").compute([["A", "B", "C"], ["D"]], [["A", "B", "X"], ["X"]]) == 50.0
