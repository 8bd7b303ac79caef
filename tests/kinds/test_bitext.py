from __future__ import annotations

import pytest
import torch

from tests.kinds.words import tokenizer
from xtransfer.benchmarks import get
from xtransfer.kinds import bitext

ROWS = [
    {"id": "x", "group": "x", "source": "a", "target": "b c"},
    {"id": "y", "group": "y", "source": "d e f", "target": "g"},
]


def test_encode_keeps_source_and_target_of_a_row_together() -> None:
    first, second = bitext.encode(ROWS, tokenizer(), 16)
    assert first.sequences == ((0, 4, 2), (0, 5, 6, 2))
    assert second.sequences == ((0, 7, 8, 9, 2), (0, 10, 2))
    assert first.target is None


def test_a_row_finds_the_nearest_target_of_its_language() -> None:
    vectors = [torch.tensor([[1.0, 0.0], [0.6, 0.8]]), torch.tensor([[0.0, 1.0], [0.8, 0.6]])]
    found = bitext.find({"de": vectors, "sw": []}, {"de": ROWS, "sw": []}, None)
    assert [one.value for one in found["de"]] == ["y", "x"]
    assert found["de"][0].scores == pytest.approx((0.8,))
    assert found["sw"] == []
    assert [bitext.KIND.gold(get("lab-retrieval"), row) for row in ROWS] == ["x", "y"]


def test_the_first_of_equal_targets_is_taken() -> None:
    vectors = [torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])]
    assert [one.value for one in bitext.find({"de": vectors}, {"de": ROWS}, None)["de"]] == ["x", "x"]


def test_nothing_is_trained() -> None:
    assert bitext.KIND.head is None
