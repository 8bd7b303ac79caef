"""Kinds that compare vectors: what is encoded, what the losses are on worked examples, and what is predicted."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from tests.kinds.words import tokenizer
from xtransfer.kinds import KINDS
from xtransfer.kinds.batches import Batch, collate
from xtransfer.kinds.ranking import _pool
from xtransfer.kinds.spec import Encoded
from xtransfer.kinds.vector_heads import (
    DualPairHead,
    NeighboursHead,
    RankingHead,
    ResponseHead,
    VectorHead,
    text_vectors,
)
from xtransfer.recipes.dual import DualRecipe
from xtransfer.recipes.recipe import Recipe

QUERIES = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
TARGETS = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]])


def dual(**values: Any) -> dict[str, Any]:
    return DualRecipe(**values).model_dump(mode="json")


def batch_of(sizes: list[int], tokens: int = 3) -> Batch:
    """A batch of so many sequences for each row; what stands in them does not matter."""
    rows = [Encoded(tuple((0,) * tokens for _ in range(size)), None, 0) for size in sizes]
    return collate(rows, 1)


def test_a_mean_is_of_tokens_alone_and_cls_is_the_first() -> None:
    batch = collate([Encoded(((5, 6),), None, 0), Encoded(((7, 8, 9),), None, 0)], 1)
    states = torch.arange(12.0).reshape(2, 3, 2)
    assert torch.equal(text_vectors(states, batch, "mean"), torch.tensor([[1.0, 2.0], [8.0, 9.0]]))
    assert torch.equal(text_vectors(states, batch, "cls"), states[:, 0])
    moved = states.clone()
    moved[0, 2] = 1e6  # padding
    assert torch.equal(text_vectors(moved, batch, "mean")[0], torch.tensor([1.0, 2.0]))


def test_the_ranking_loss_is_the_softmax_over_the_batch() -> None:
    vectors = torch.stack([QUERIES, TARGETS], 1).flatten(0, 1)
    loss = RankingHead(dual()).loss(vectors, batch_of([2, 2, 2]))
    logits = torch.tensor([[2.0, 0.0, 3.0], [0.0, 2.0, 0.0], [2.0, 1.0, 3.0]])  # by hand
    assert loss.item() == pytest.approx(cross_entropy(logits, torch.arange(3)).item(), abs=1e-6)


def test_hard_negatives_are_candidates_of_every_row() -> None:
    negative = torch.tensor([[0.0, -1.0]])
    vectors = torch.cat([QUERIES[:1], TARGETS[:1], negative, QUERIES[1:2], TARGETS[1:2]])
    loss = RankingHead(dual()).loss(vectors, batch_of([3, 2]))
    logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, -2.0, 2.0]])  # candidates: own of 1, negative of 1, own of 2
    assert loss.item() == pytest.approx(cross_entropy(logits, torch.tensor([0, 2])).item(), abs=1e-6)


def test_negatives_may_come_from_a_part_of_the_batch() -> None:
    vectors = torch.stack([QUERIES, TARGETS], 1).flatten(0, 1)
    loss = RankingHead(dual(negatives_within=2)).loss(vectors, batch_of([2, 2, 2]))
    first = cross_entropy(torch.tensor([[2.0, 0.0], [0.0, 2.0]]), torch.arange(2), reduction="sum")
    assert loss.item() == pytest.approx(first.item() / 3, abs=1e-6)  # the third row has nothing to be told from


def test_cosine_has_a_scale_that_can_be_learned() -> None:
    fixed = VectorHead(dual(similarity="cosine", scale=20))
    cosines = normalize(QUERIES, dim=-1) @ normalize(TARGETS, dim=-1).T
    assert torch.allclose(fixed.similarities(QUERIES, TARGETS), 20 * cosines)
    assert not list(fixed.parameters())
    learned = VectorHead(dual(similarity="cosine", scale=100, learn_scale=True))
    assert learned.scale.item() == 100
    learned.similarities(QUERIES, TARGETS).sum().backward()
    assert learned.scale.grad is not None and learned.scale.grad.item() == pytest.approx(cosines.sum().item(), rel=1e-5)


def test_responses_go_through_a_layer_of_their_own_and_queries_do_not() -> None:
    head = ResponseHead(2, dual())
    vectors = torch.stack([QUERIES, TARGETS], 1).flatten(0, 1)
    expected = head.ranking_loss(QUERIES, torch.tanh(head.response(TARGETS)), [1, 1, 1])
    assert head.loss(vectors, batch_of([2, 2, 2])).item() == pytest.approx(expected.item())


def test_neighbours_add_the_losses_of_both_sides() -> None:
    head, batch = NeighboursHead(2, dual()), batch_of([3, 3])
    states = torch.randn(6, 3, 2, generator=torch.Generator().manual_seed(0))
    before, text, after = (
        torch.tanh(own(states.mean(1)[place::3])) for place, own in enumerate((head.before, head.text, head.after))
    )
    expected = cross_entropy(text @ before.T, torch.arange(2)) + cross_entropy(text @ after.T, torch.arange(2))
    assert head.loss(head(states, batch), batch).item() == pytest.approx(expected.item(), abs=1e-6)


def test_inference_reads_both_vectors_their_difference_and_their_product() -> None:
    head, batch = DualPairHead(2, ("yes", "no"), 0.0, dual()), batch_of([2])
    states = torch.tensor([[[1.0, 4.0]] * 3, [[3.0, 1.0]] * 3])
    features = torch.tensor([[1.0, 4.0, 3.0, 1.0, 2.0, 3.0, 3.0, 4.0]])
    assert torch.allclose(head(states, batch), head.out_proj(torch.tanh(head.dense(features))))


def test_a_target_is_read_with_its_context_and_a_source_alone() -> None:
    row = {"source": "a red house", "target": "the tree", "context": "the tree is red", "negatives": ["a ship"]}
    bare = {"source": "a red house", "target": "the tree", "context": ""}
    words = tokenizer()
    with_context, without = KINDS["ranking"].encode([row, bare], words, 24)
    assert [len(one.sequences) for one in (with_context, without)] == [3, 2]
    assert list(with_context.sequences[1]) == words("the tree", "the tree is red")["input_ids"]
    assert list(with_context.sequences[2]) == words("a ship", "the tree is red")["input_ids"]
    assert [list(one) for one in without.sequences] == words(["a red house", "the tree"])["input_ids"]
    assert KINDS["ranking"].encode([bare, row], words, 24) == [without, with_context]


def test_the_right_translation_is_ranked_among_its_pool() -> None:
    names = [{"id": name} for name in "abc"]
    vectors = [torch.stack([query, target]) for query, target in zip(QUERIES, TARGETS, strict=True)]
    retrieval = KINDS["ranking"].retrieval
    assert retrieval is not None and not retrieval.unit
    found = retrieval.find({"de": vectors}, {"de": names}, None)["de"]
    assert [one.value for one in found] == [["c", "a", "b"], ["b", "a", "c"], ["c", "a", "b"]]
    assert found[0].scores == (3.0, 2.0, 0.0)


def test_a_pool_is_999_others_and_the_same_for_every_model() -> None:
    pool = _pool("de/17", 17, 5000)
    assert len(set(pool)) == 1000 and 17 in pool and pool == sorted(pool) == _pool("de/17", 17, 5000)
    assert pool != _pool("de/18", 18, 5000) and max(pool) < 5000
    assert _pool("de/17", 17, 1000) == list(range(1000))
    drawn = [place for own in range(200) for place in _pool(f"de/{own}", own, 1200) if place != own]
    assert set(drawn) == set(range(1200))


def test_nearness_is_minus_the_angle() -> None:
    retrieval = KINDS["nearness"].retrieval
    assert retrieval is not None
    pairs = [torch.tensor([[1.0, 0.0], other]) for other in ([1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.6, 0.8])]
    found = [one.value for one in retrieval.find({"de": pairs}, {"de": [{}] * 4}, None)["de"]]
    assert found == pytest.approx([0.0, -0.5, -1.0, -math.acos(0.6) / math.pi])


@pytest.mark.parametrize(
    ("kind", "sequences", "expected"),
    [("ranking", 2, math.log(8)), ("ranking", 5, math.log(32)), ("neighbours", 3, 2 * math.log(8))],
)
def test_guessing_costs_the_log_of_the_candidates(kind: str, sequences: int, expected: float) -> None:
    encoded = [Encoded(((1,),) * sequences, None, None)] * 100
    uninformed = KINDS[kind].uninformed
    assert uninformed is not None
    assert uninformed(encoded, Recipe(epochs=1, batch_size=8)) == pytest.approx(expected)
    part = Recipe(epochs=1, batch_size=64, dual=DualRecipe(negatives_within=8))
    assert uninformed(encoded, part) == pytest.approx(expected)


def test_guessing_a_label_of_two_texts_costs_its_entropy() -> None:
    encoded = [Encoded(((1,), (2,)), None, label) for label in (0, 1, 2)]
    uninformed = KINDS["dual-pair"].uninformed
    assert uninformed is not None and uninformed(encoded, Recipe(epochs=1)) == pytest.approx(math.log(3))


def test_a_learned_scale_of_a_dot_product_is_refused() -> None:
    with pytest.raises(ValueError, match="learn_scale needs similarity: cosine"):
        DualRecipe(learn_scale=True)
