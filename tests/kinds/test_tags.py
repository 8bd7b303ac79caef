from __future__ import annotations

from typing import Any

import pytest
import torch
from tokenizers import AddedToken

from tests.kinds.words import UNKNOWN, tokenizer
from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.kinds import get, tags
from xtransfer.kinds.batches import Batch, collate
from xtransfer.kinds.spec import Encoded
from xtransfer.kinds.tag_head import TagHead

LABELS = ("O", "B-PER", "I-PER")
BENCHMARK = Benchmark("names", "tags", ("en",), Source("test"), {}, "tag_f1", labels=LABELS)


def row(tokens: list[str], labels: list[int] | None = None) -> dict[str, Any]:
    return {"id": "0", "group": "0", "tokens": tokens, "tags": labels or [0] * len(tokens)}


def encode(tokens: list[str], max_length: int = 16, labels: list[int] | None = None, types: bool = False) -> Encoded:
    return tags.encode([row(tokens, labels)], tokenizer(types), max_length)[0]


def test_first_subwords_are_marked() -> None:
    """A word with a space in it makes two tokens of the toy tokenizer."""
    found = encode(["a", "b c d", "e"], labels=[0, 1, 2])
    assert found.sequences == ((0, 4, 5, 6, 7, 8, 2),)
    assert found.extra == ((1, 2, 5),)
    assert found.target == (0, 1, 2)
    assert found.types is None
    assert encode(["a", "b"], types=True).types == ((0, 0, 0, 0),)


def test_a_word_that_becomes_nothing_is_the_unknown_token() -> None:
    found = encode(["a", "\u200b \t", " ", "b"])
    assert found.extra == ((1, 2, 3, 4),)
    assert found.sequences == ((0, 4, UNKNOWN, UNKNOWN, 5, 2),)


def test_what_is_too_long_goes_on_in_the_next_sequence() -> None:
    found = encode(["a", "b c", "d", "e f", "g"], max_length=5)
    assert found.sequences == ((0, 4, 5, 6, 2), (0, 7, 8, 9, 2), (0, 10, 2))
    assert found.extra == ((1, 2), (1, 2), (1,))
    assert encode(["a b c d", "e"], max_length=5).sequences == ((0, 4, 5, 6, 2), (0, 8, 2)), "one word over the room"


@pytest.mark.parametrize("max_length", [3, 4, 5, 7, 16])
def test_no_word_goes_unpredicted(max_length: int) -> None:
    words = ["a", "b c", "x", "d e f g h", "\u200b", "h"] * 4
    found = encode(words, max_length)
    assert sum(map(len, found.extra)) == len(words) == len(found.target)
    assert all(len(sequence) <= max_length for sequence in found.sequences)
    assert all(sequence[0] == 0 and sequence[-1] == 2 for sequence in found.sequences)


def test_rows_are_encoded_alone_and_together_alike() -> None:
    rows = [row(["a", "b c"]), row(["d"] * 9), row(["h"])]
    together = tags.encode(rows, tokenizer(), 6)
    assert together == [tags.encode([one], tokenizer(), 6)[0] for one in rows]
    assert tags.encode([], tokenizer(), 6) == []


def test_special_tokens_written_as_words_are_no_words_of_the_frame() -> None:
    """A token of the text that looks special must not move the places of the words."""
    special = tokenizer()
    special.add_tokens([AddedToken("</s>", special=True)])
    found = tags.encode([row(["</s>", "a"])], special, 8)[0]
    assert found.extra == ((1, 2),)
    assert found.sequences == ((0, 2, 4, 2),)


def _states(batch: Batch) -> torch.Tensor:
    """The state of a token is its id, three times."""
    return batch.input_ids[..., None].float().expand(-1, -1, 3)


def _reading_head() -> TagHead:
    head = TagHead(3, LABELS, 0.0)
    with torch.no_grad():
        head.out_proj.weight.copy_(torch.eye(3))
    return head


def test_head_reads_first_subwords_of_all_sequences_in_the_order_of_words() -> None:
    encoded = tags.encode([row(["a", "b c", "d", "e f"]), row(["h"])], tokenizer(), 5)
    batch = collate(encoded, 1)
    outputs = _reading_head()(_states(batch), batch)
    assert outputs.shape == (2, 4, 3)
    assert outputs[0, :, 0].tolist() == [4, 5, 7, 8]
    assert outputs[1, :, 0].tolist() == [11, float("-inf"), float("-inf"), float("-inf")]


def test_loss_is_the_mean_over_words() -> None:
    encoded = tags.encode([row(["a", "b", "c"], [0, 0, 1]), row(["d"], [2])], tokenizer(), 8)
    batch = collate(encoded, 1)
    head = TagHead(3, LABELS, 0.0)
    outputs = torch.full((2, 3, 3), float("-inf"))
    outputs[0, :, :] = torch.tensor([[2.0, 0.0, 0.0]] * 3)
    outputs[1, 0] = torch.tensor([0.0, 0.0, 0.0])
    outputs.requires_grad_(True)
    loss = head.loss(outputs, batch)
    one = torch.nn.functional.cross_entropy(torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([0])).item()
    assert loss.item() == pytest.approx((2 * one + (one + 2.0) + torch.tensor(3.0).log().item()) / 4)
    loss.backward()
    assert torch.isfinite(outputs.grad).all(), "places without a word have no gradient"


def test_decode_gives_names_for_words_alone() -> None:
    outputs = torch.tensor([[[0.0, 2.0, 0.0], [1.0, 1.0, 1.0]], [[0.0, 0.0, 5.0], [-torch.inf] * 3]])
    rows = [row(["a", "b"]), row(["c"])]
    found = tags.decode(BENCHMARK, outputs, rows, [])
    assert [one.value for one in found] == [["B-PER", "O"], ["I-PER"]]
    assert get("tags").gold(BENCHMARK, row(["a", "b"], [1, 2])) == ["B-PER", "I-PER"]


def test_carry_copies_equal_labels_only() -> None:
    source, new = TagHead(3, LABELS, 0.0), TagHead(3, LABELS, 0.0)
    assert tags.KIND.carry(source, new)
    assert torch.equal(source.out_proj.weight, new.out_proj.weight)
    turned = TagHead(3, LABELS[::-1], 0.0)
    before = turned.out_proj.weight.clone()
    assert not tags.KIND.carry(source, turned)
    assert not tags.KIND.carry(source, TagHead(4, LABELS, 0.0))
    assert not tags.KIND.carry(torch.nn.Linear(3, 3), turned)
    assert torch.equal(before, turned.out_proj.weight)


def test_check_names_what_is_wrong() -> None:
    assert tags.check(row(["a"])) is None
    assert "tokens has 2 entries and tags has 1" in str(tags.check(row(["a", "b"], [0])))
    assert "tokens is empty" in str(tags.check(row([])))
