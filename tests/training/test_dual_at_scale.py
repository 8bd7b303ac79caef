"""Dual encoders with large batches: micro-batches, duplicates, both directions, prompts, the last token."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch.nn.functional import cross_entropy

from tests.kinds.test_vectors import QUERIES, TARGETS, dual
from tests.kinds.words import tokenizer
from xtransfer.base.errors import RequestError
from xtransfer.benchmarks.spec import Benchmark, Row, Source
from xtransfer.kinds import KINDS
from xtransfer.kinds.batches import Batch, collate
from xtransfer.kinds.prompts import prompted
from xtransfer.kinds.spec import Encoded
from xtransfer.kinds.vector_heads import NeighboursHead, RankingHead, text_vectors
from xtransfer.models import checkpoints, plain
from xtransfer.models.predict import RowEncoder, predict
from xtransfer.recipes.dual import DualRecipe
from xtransfer.recipes.pooling import Pooling
from xtransfer.recipes.recipe import Recipe
from xtransfer.study.study import Target
from xtransfer.training import finetune, hard_negatives
from xtransfer.training.parts import TrainingMixture

from .test_dual import DUAL_PAIR, RANKING, RECIPE, ranking_rows
from .test_finetune import changed, run
from .tiny import PAIR, pair_rows

RESPONSE = Benchmark("replies", "response", ("en",), Source("test"), {}, "")
NEIGHBOURS = Benchmark("stories", "neighbours", ("en",), Source("test"), {}, "")
KIND_ROWS: dict[str, tuple[Benchmark, list[Row]]] = {
    "ranking": (RANKING, ranking_rows()),
    "response": (RESPONSE, ranking_rows()),
    "neighbours": (
        NEIGHBOURS,
        [{**row, "before": row["target"], "text": row["source"], "after": row["source"][4:]} for row in ranking_rows()],
    ),
}


def a_run(encoder: Path, recipe: Recipe, kind: str = "ranking") -> finetune.Run:
    mixed = TrainingMixture.of([KIND_ROWS[kind]], finetune.PROPORTIONAL, ())
    return finetune.Run(encoder, mixed, recipe, 0, "cpu", None, finetune.Savings())


def gradients(own: finetune.Run) -> dict[str, torch.Tensor]:
    return {name: value.grad for name, value in own.model.named_parameters() if value.grad is not None}


@pytest.mark.parametrize("kind", KIND_ROWS)
@pytest.mark.parametrize("values", [{}, {"symmetric": True, "skip_duplicates": True, "negatives_within": 5}])
def test_micro_batches_give_the_gradients_of_the_whole_batch(encoder: Path, kind: str, values: dict[str, Any]) -> None:
    recipe = changed(RECIPE, dual={"similarity": "cosine", "scale": 10, "learn_scale": True, **values})
    whole, parts = a_run(encoder, recipe, kind), a_run(encoder, recipe, kind)
    named = next(whole.batches(1))
    expected = whole.model.loss(named)
    expected.backward()
    micro_batcher = parts.micro_batcher()
    micro_batcher.rows = 5  # of 12
    loss = micro_batcher(parts.model.loss, named)
    ours, theirs = gradients(parts), gradients(whole)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6) and ours.keys() == theirs.keys()
    assert "heads.0.scale" in ours and max(float(value.abs().max()) for value in theirs.values()) > 1e-2
    assert max(float((value - theirs[name]).abs().max()) for name, value in ours.items()) < 2e-6


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_second_pass_draws_the_dropout_of_the_first(encoder: Path, precision: str) -> None:
    """As if the graph of every micro-batch had been kept."""
    recipe = changed(RECIPE, dropout=0.3, precision=precision)
    kept, cached = a_run(encoder, recipe), a_run(encoder, recipe)
    name, batch = next(kept.batches(1))
    torch.manual_seed(7)
    outputs = torch.cat([kept.model.train().outputs((name, part)) for part in batch.parts(5)])
    expected = kept.model.head(name).loss(outputs, batch)
    after = torch.rand(1)
    expected.backward()
    torch.manual_seed(7)
    micro_batcher = cached.micro_batcher()
    micro_batcher.rows = 5
    loss = micro_batcher(cached.model.train().loss, (name, batch))
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)
    assert torch.equal(torch.rand(1), after), "what is drawn next does not depend on the second pass"
    ours, theirs = gradients(cached), gradients(kept)
    assert max(float((value - theirs[name]).abs().max()) for name, value in ours.items()) < 1e-5


def test_a_batch_that_does_not_fit_is_compared_in_parts(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recipe = changed(RECIPE, steps=6)
    whole = run(encoder, tmp_path / "whole", recipe, [KIND_ROWS["response"]])
    seen: set[int] = set()
    outputs = finetune.Model.outputs

    def guarded(model: finetune.Model, named: tuple[str, Batch]) -> torch.Tensor:
        if len(named[1].sizes) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        seen.add(len(named[1].sizes))
        return outputs(model, named)

    monkeypatch.setattr(finetune.Model, "outputs", guarded)
    parts = run(encoder, tmp_path / "parts", recipe, [KIND_ROWS["response"]])
    assert seen == {3} and "micro-batches of 3 rows" in caplog.text and parts["loss_first"] != parts["loss_last"]
    for (_, one), (_, other) in zip(whole["losses"], parts["losses"], strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def numbered(*rows: tuple[int, ...]) -> Batch:
    """A batch whose texts are single tokens."""
    return collate([Encoded(tuple((one,) for one in row), None, None) for row in rows], 1)


VECTORS = torch.stack([QUERIES, TARGETS], 1).flatten(0, 1)
LOGITS = torch.tensor([[2.0, 0.0, 3.0], [0.0, 2.0, 0.0], [2.0, 1.0, 3.0]])  # QUERIES @ TARGETS.T


def test_both_directions_are_averaged() -> None:
    loss = RankingHead(dual(symmetric=True)).loss(VECTORS, numbered((5, 6), (7, 8), (9, 4)))
    rows = torch.arange(3)
    expected = (cross_entropy(LOGITS, rows) + cross_entropy(LOGITS.T, rows)) / 2
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)


@pytest.mark.parametrize(
    ("texts", "no_negatives"),
    [
        (((5, 6), (7, 8), (9, 6)), [(0, 2), (2, 0)]),  # equal targets
        (((5, 6), (5, 8), (9, 4)), [(0, 1), (1, 0)]),  # equal queries
        (((5, 6), (7, 5), (9, 4)), []),  # a query equal to a target says nothing
    ],
)
def test_equal_texts_are_no_negatives(texts: Any, no_negatives: list[tuple[int, int]]) -> None:
    head = RankingHead(dual(symmetric=True, skip_duplicates=True))
    logits = LOGITS.clone()
    for place in no_negatives:
        logits[place] = float("-inf")
    rows = torch.arange(3)
    expected = (cross_entropy(logits, rows) + cross_entropy(torch.where(logits > -1e9, LOGITS, logits).T, rows)) / 2
    assert head.loss(VECTORS, numbered(*texts)).item() == pytest.approx(expected.item(), abs=1e-6)
    plain_loss = RankingHead(dual(symmetric=True)).loss(VECTORS, numbered(*texts))
    assert (plain_loss.item() == pytest.approx(expected.item(), abs=1e-6)) == (not no_negatives)


def test_a_hard_negative_equal_to_another_rows_target_is_none_for_that_row() -> None:
    vectors = torch.cat([VECTORS[:2], TARGETS[1:2], VECTORS[2:4]])
    head = RankingHead(dual(skip_duplicates=True))
    loss = head.loss(vectors, numbered((5, 6, 8), (7, 8)))  # the first row's negative is the second's target
    logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, float("-inf"), 2.0]])
    assert loss.item() == pytest.approx(cross_entropy(logits, torch.tensor([0, 2])).item(), abs=1e-6)


def test_a_right_answer_of_another_row_with_the_same_query_is_no_hard_negative() -> None:
    vectors = torch.cat([VECTORS[:2], TARGETS[1:2], VECTORS[2:4]])
    head = RankingHead(dual(skip_duplicates=True))
    loss = head.loss(vectors, numbered((5, 6, 8), (5, 8)))  # both rows ask the same; 6 and 8 are both right
    logits = torch.full((2, 3), float("-inf"))
    logits[0, 0] = logits[1, 2] = 2.0
    assert loss.item() == pytest.approx(cross_entropy(logits, torch.tensor([0, 2])).item(), abs=1e-6) == 0


def test_gradients_stay_finite_where_all_others_are_duplicates() -> None:
    vectors = VECTORS.clone().requires_grad_()
    loss = RankingHead(dual(symmetric=True, skip_duplicates=True)).loss(vectors, numbered((5, 6), (5, 6), (5, 6)))
    loss.backward()
    assert loss.item() == 0 and vectors.grad is not None and not vectors.grad.any()


def test_neighbours_that_are_equal_are_no_negatives() -> None:
    torch.manual_seed(0)
    head = NeighboursHead(2, dual(skip_duplicates=True))
    outputs = torch.randn(3, 3, 512)
    before, text, after = outputs.unbind(1)
    first = text @ before.T
    first[0, 2] = first[2, 0] = float("-inf")
    expected = cross_entropy(first, torch.arange(3)) + cross_entropy(text @ after.T, torch.arange(3))
    found = head.loss(outputs, numbered((5, 6, 7), (8, 9, 10), (5, 11, 12)))
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_guessing_in_both_directions_costs_the_mean() -> None:
    encoded = [Encoded(((1,),) * 4, None, None)] * 100
    found = KINDS["ranking"].uninformed(encoded, Recipe(epochs=1, batch_size=8, dual=DualRecipe(symmetric=True)))  # type: ignore[misc]
    assert found == pytest.approx((math.log(24) + math.log(8)) / 2)


PROMPTS = {"query_prompt": "the red ", "passage_prompt": "a blue "}
ROWS: dict[str, Row] = {
    "ranking": {"source": "a", "target": "b", "context": "", "negatives": ["c"]},
    "response": {"source": "a", "target": "b"},
    "neighbours": {"before": "b", "text": "a", "after": "b"},
    "dual-pair": {"first": "a", "second": "b", "label": 0},
    "nearness": {"first": "a", "second": "b", "score": 0.5},
    "bitext": {"source": "a", "target": "b"},
    "mining": {"text": "a", "side": "source"},
    "entities": {"text": "b", "side": "entity", "entity": "Q1", "start": 0, "end": 0},
    "answers": {"question": "a", "context": "b", "answer": "b", "start": 0, "sentence_breaks": [0, 1],
                "candidates": ["0"]},
}  # fmt: skip


def test_every_kind_that_compares_texts_is_here() -> None:
    assert {name for name, kind in KINDS.items() if kind.dual or kind.retrieval} == set(ROWS)


@pytest.mark.parametrize("kind", ROWS)
def test_prompts_precede_queries_and_passages(kind: str) -> None:
    words, told, kind_of = tokenizer(), [], KINDS[kind]
    for row in (ROWS[kind], *prompted(kind_of, [ROWS[kind]], "d e ", "f g ")):
        (encoded,) = kind_of.encode([row], words, 24)
        told.append([words.convert_ids_to_tokens(one, skip_special_tokens=True) for one in encoded.sequences])
    bare, with_prompts = told
    assert bare and with_prompts == [[*("de" if "a" in own else "fg"), *own] for own in bare]
    assert prompted(KINDS[kind], [ROWS[kind]], "", "")[0] is ROWS[kind]


def test_kinds_without_queries_refuse_prompts(encoder: Path) -> None:
    with pytest.raises(RequestError, match="pair has neither queries nor passages"):
        prompted(KINDS["pair"], pair_rows(2), "query: ", "")


def test_prompts_reach_training_mining_exports_and_scoring(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Pooling] = []
    vectors_of = hard_negatives.vectors_of

    def watched(*given: Any) -> Any:
        seen.append(given[-1])
        return vectors_of(*given)

    monkeypatch.setattr(hard_negatives, "vectors_of", watched)
    recipe = changed(RECIPE, dual={**PROMPTS, "hard_negatives": 1, "pooling": "last"})
    own, without = a_run(encoder, recipe), a_run(encoder, changed(RECIPE, dual={"hard_negatives": 1}))
    assert seen[0] == Pooling(how="last", **PROMPTS)
    assert len(own.encoded["twins"][0].sequences[0]) == len(without.encoded["twins"][0].sequences[0]) + 2
    run(encoder, tmp_path, changed(recipe, steps=2), [(DUAL_PAIR, pair_rows(24))])
    loaded = checkpoints.load(tmp_path / "out")
    head = loaded.head_for(DUAL_PAIR)
    (tmp_path / "plain").mkdir()
    plain.write(loaded, tmp_path / "plain")
    written = json.loads((tmp_path / "plain" / "config_sentence_transformers.json").read_text())
    assert written["prompts"] == {"query": "the red ", "passage": "a blue "}
    assert json.loads((tmp_path / "plain" / "1_Pooling" / "config.json").read_text())["pooling_mode_lasttoken"] is True
    rows = pair_rows(8)
    reader = RowEncoder(loaded.tokenizer, 24)
    with_prompts = predict(loaded.encoder, head, DUAL_PAIR, rows, reader)
    written_out = [{**row, "first": f"the red {row['first']}", "second": f"a blue {row['second']}"} for row in rows]
    head.dual = DualRecipe(pooling="last")  # type: ignore[assignment]
    assert [one.scores for one in with_prompts] == [
        one.scores for one in predict(loaded.encoder, head, DUAL_PAIR, written_out, reader)
    ]
    assert [one.scores for one in with_prompts] != [
        one.scores for one in predict(loaded.encoder, head, DUAL_PAIR, rows, reader)
    ]
    found = [predict(loaded.encoder, None, RANKING, ranking_rows(), reader, pooling=one)
             for one in (Pooling(), Pooling(**PROMPTS), Pooling(how="last"))]  # fmt: skip
    assert len({str(one) for one in found}) == 3


def test_the_last_token_is_that_before_the_padding() -> None:
    batch = collate([Encoded(((5, 6),), None, 0), Encoded(((7, 8, 9),), None, 0)], 1)
    states = torch.arange(12.0).reshape(2, 3, 2)
    assert torch.equal(text_vectors(states, batch, "last"), torch.stack([states[0, 1], states[1, 2]]))


@pytest.mark.parametrize("slug", ["tatoeba:last", "tatoeba:layer7:cls:query~query%3A%20:passage~passage%3A%20:bf16"])
def test_targets_with_prompts_read_back(slug: str) -> None:
    target = Target.parse(slug)
    assert target.slug == slug and Target.model_validate(target.model_dump()) == target
    assert target.pooling.query_prompt in ("", "query: ")


def test_prompts_that_cannot_be_are_refused() -> None:
    for value, said in (("x" * 201, "at most 200"), ("a\0", "cannot be stored")):
        with pytest.raises(ValidationError, match=said):
            DualRecipe(query_prompt=value)
    with pytest.raises(ValidationError, match="cannot be stored"):
        Target.parse("tatoeba:query~a%00")


def test_a_pair_is_trained_without_prompts(encoder: Path, tmp_path: Path) -> None:
    """Kinds that train no vectors ignore `dual`, as in a mixture."""
    recipe = changed(RECIPE, steps=1, dual=PROMPTS)
    assert run(encoder, tmp_path, recipe, [(PAIR, pair_rows(24))])["steps"] == 1
