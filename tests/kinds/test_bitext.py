from __future__ import annotations

import torch

from tests.kinds.words import tokenizer
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


def test_decode_names_the_row_whose_target_is_nearest() -> None:
    first, second = bitext.decode(torch.tensor([[0.25, 0.5], [0.5, 0.5]]), ROWS)
    assert (first.value, first.scores) == ("y", (0.5,))
    assert second.value == "x"
    assert [bitext.KIND.gold(row) for row in ROWS] == ["x", "y"]


def test_nothing_is_trained() -> None:
    assert bitext.KIND.head is None
