from __future__ import annotations

import torch

from tests.kinds.words import PAD, tokenizer
from xtransfer.kinds import KINDS
from xtransfer.kinds.batches import budget_batches, collate, encode_rows, epoch_order
from xtransfer.kinds.spec import Encoded


def test_collate_pads_on_the_right() -> None:
    batch = collate([Encoded(((0, 4, 2),), None, 1, "x"), Encoded(((0, 5, 6, 7, 2), (0, 2)), None, 0)], PAD)
    assert batch.input_ids.tolist() == [[0, 4, 2, 1, 1], [0, 5, 6, 7, 2], [0, 2, 1, 1, 1]]
    assert batch.attention_mask.tolist() == [[1, 1, 1, 0, 0], [1] * 5, [1, 1, 0, 0, 0]]
    assert batch.input_ids.dtype == batch.attention_mask.dtype == torch.long
    assert batch.token_type_ids is None
    assert (batch.sizes, batch.targets, batch.extras) == ([1, 2], [1, 0], ["x", None])


def test_collate_masks_by_length_even_where_a_token_is_the_padding_id() -> None:
    batch = collate([Encoded(((0, PAD, 2),), None, 0), Encoded(((0, 4, 4, 2),), None, 0)], PAD)
    assert batch.attention_mask.tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]


def test_collate_pads_segments_with_zero() -> None:
    batch = collate([Encoded(((0, 2),), ((0, 1),), 1), Encoded(((0, 5, 2),), ((0, 1, 1),), 0)], PAD).to("cpu")
    assert batch.token_type_ids is not None
    assert batch.token_type_ids.tolist() == [[0, 1, 0], [0, 1, 1]]
    assert set(batch.inputs()) == {"input_ids", "attention_mask", "token_type_ids"}


def test_encode_rows_keeps_the_order_over_many_calls() -> None:
    words = "abcdefgh"
    rows = [{"first": words[number % 8], "second": words[number // 8 % 8], "label": 0} for number in range(9000)]
    encoded = encode_rows(KINDS["pair"], rows, tokenizer(), 16)
    assert len(encoded) == 9000
    assert encoded[8991].sequences == ((0, 4 + 8991 % 8, 2, 2, 4 + 8991 // 8 % 8, 2),)


def test_epoch_order_is_a_permutation_of_its_own_for_each_seed_and_epoch() -> None:
    order = epoch_order(100, seed=3, epoch=1)
    assert sorted(order) == list(range(100))
    assert order == epoch_order(100, seed=3, epoch=1)
    assert order != epoch_order(100, seed=3, epoch=2)
    assert order != epoch_order(100, seed=4, epoch=1)
    assert epoch_order(5, seed=0, epoch=0) == [0, 1, 4, 3, 2]  # the order that stored results were trained in


def test_budget_batches_hold_the_budget_and_start_with_the_longest() -> None:
    lengths = [3, 10, 4, 10, 2, 50]
    batches = budget_batches(lengths, max_tokens=20)
    assert batches == [[5], [1, 3], [2, 0, 4]]
    assert all(len(batch) * max(lengths[index] for index in batch) <= 20 for batch in batches[1:])
    assert budget_batches([], 20) == []
