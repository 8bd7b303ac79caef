from __future__ import annotations

import pytest
import torch

from tests.kinds.words import batch_of, tokenizer
from xtransfer.base.errors import RequestError
from xtransfer.benchmarks import get
from xtransfer.kinds import KINDS, pair
from xtransfer.kinds import get as get_kind
from xtransfer.kinds.heads import LabelHead

ROWS = [
    {"id": "0", "group": "0", "first": "a b", "second": "c", "label": 2},
    {"id": "1", "group": "1", "first": "d", "second": "e f g h", "label": 0},
]


def test_encode_is_one_sequence_per_row() -> None:
    first, second = pair.encode(ROWS, tokenizer(), 16)
    assert first.sequences == ((0, 4, 5, 2, 2, 6, 2),)
    assert first.types is None
    assert (first.target, second.target) == (2, 0)


def test_encode_gives_segments_where_the_tokenizer_has_them() -> None:
    first, _ = pair.encode(ROWS, tokenizer(types=True), 16)
    assert first.types == ((0, 0, 0, 0, 1, 1, 1),)


def test_encode_cuts_the_longer_text_first() -> None:
    _, second = pair.encode(ROWS, tokenizer(), 8)
    assert second.sequences == ((0, 7, 2, 2, 8, 9, 10, 2),)


def test_encode_of_nothing() -> None:
    assert pair.encode([], tokenizer(), 8) == []


def test_decode_takes_the_first_of_equal_logits() -> None:
    predictions = pair.decode(get("lab-nli"), torch.tensor([[0.5, 2.0, -1.0], [1.0, 1.0, 0.0]]), ROWS, [])
    assert [prediction.value for prediction in predictions] == [1, 0]
    assert predictions[0].scores == (0.5, 2.0, -1.0)


def test_head_gives_a_logit_per_label_and_the_loss_of_a_known_guess() -> None:
    head = pair.head(8, get("lab-nli"), 0.0)
    outputs = head(torch.zeros(2, 5, 8), batch_of([1, 1]))
    assert outputs.shape == (2, 3)
    uniform = head.loss(torch.zeros(2, 3), batch_of([1, 1], [0, 2]))
    assert uniform.item() == pytest.approx(1.0986123)


def test_head_reads_the_first_token_alone() -> None:
    head = pair.head(8, get("lab-nli"), 0.0)
    states = torch.randn(1, 5, 8)
    other = torch.cat([states[:, :1], torch.randn(1, 4, 8)], dim=1)
    assert torch.equal(head(states, batch_of([1])), head(other, batch_of([1])))


def test_carry_copies_equal_labels_only() -> None:
    source, new = LabelHead(8, ("yes", "no"), 0.0), LabelHead(8, ("yes", "no"), 0.0)
    assert pair.KIND.carry(source, new)
    assert torch.equal(source.out_proj.weight, new.out_proj.weight)
    assert torch.equal(source.dense.weight, new.dense.weight)
    turned = LabelHead(8, ("no", "yes"), 0.0)
    before = turned.out_proj.weight.clone()
    assert not pair.KIND.carry(source, turned)
    assert not pair.KIND.carry(source, LabelHead(16, ("yes", "no"), 0.0))
    assert torch.equal(before, turned.out_proj.weight)


def test_unknown_kind_names_the_nearest() -> None:
    assert set(KINDS) >= {"pair", "choice", "bitext"}
    with pytest.raises(RequestError, match="did you mean 'pair'"):
        get_kind("pairs")
