from __future__ import annotations

import math

import pytest
import torch

from tests.kinds.words import batch_of, tokenizer
from xtransfer.benchmarks import get
from xtransfer.kinds import sts
from xtransfer.kinds.heads import ScoreHead
from xtransfer.kinds.uninformed import uninformed_loss

ROWS = [
    {"id": "0", "group": "0", "first": "a b", "second": "c", "score": 0.5},
    {"id": "1", "group": "1", "first": "d", "second": "e f", "score": 1.0},
]


def test_encode_is_one_sequence_with_its_score() -> None:
    first, second = sts.encode(ROWS, tokenizer(), 16)
    assert first.sequences == ((0, 4, 5, 2, 2, 6, 2),) and first.types is None
    assert (first.target, second.target) == (0.5, 1.0)
    assert sts.encode(ROWS, tokenizer(types=True), 16)[0].types == ((0, 0, 0, 0, 1, 1, 1),)
    assert sts.encode([], tokenizer(), 16) == []


def test_decode_gives_the_score_as_it_is() -> None:
    predictions = sts.decode(get("stsb"), torch.tensor([0.25, -1.5]), ROWS, [])
    assert [one.value for one in predictions] == [0.25, -1.5]


def test_loss_is_the_squared_error() -> None:
    head = sts.head(8, get("stsb"), 0.0)
    outputs = head(torch.zeros(2, 5, 8), batch_of([1, 1]))
    assert outputs.shape == (2,)
    loss = head.loss(torch.tensor([0.5, 0.0]), batch_of([1, 1], [0.5, 1.0]))
    assert loss.item() == 0.5 and loss.dtype == torch.float32


def test_ignoring_the_input_costs_the_variance() -> None:
    assert uninformed_loss(sts.encode(ROWS, tokenizer(), 16)) == pytest.approx(0.0625)


def test_carry_copies_regression_heads_only() -> None:
    source, new = ScoreHead(8, 0.0), ScoreHead(8, 0.0)
    assert sts.KIND.carry(source, new)
    assert torch.equal(source.dense.weight, new.dense.weight)
    assert torch.equal(source.out_proj.weight, new.out_proj.weight)
    assert not sts.KIND.carry(source, ScoreHead(16, 0.0))
    assert not sts.KIND.carry(torch.nn.Linear(8, 1), new)


@pytest.mark.parametrize(("score", "fault"), [(0.0, False), (1.0, False), (4.2, True), (-0.1, True), (math.nan, True)])
def test_scores_are_0_to_1(score: float, fault: bool) -> None:
    said = sts.check({**ROWS[0], "score": score})
    assert (said is not None and "expected 0 to 1" in said) == fault
