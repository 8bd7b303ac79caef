"""A dual encoder learns through the one loop: tasks in rotation, hard negatives, heads that are saved and read."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, ElectraConfig, RemBertConfig, XLMRobertaConfig

from xtransfer.benchmarks.spec import Benchmark, Row, Source
from xtransfer.kinds import KINDS
from xtransfer.kinds.batches import collate
from xtransfer.kinds.spec import Encoded
from xtransfer.kinds.vector_heads import DualPairHead, RankingHead
from xtransfer.metrics.metrics import METRICS
from xtransfer.models import checkpoints
from xtransfer.models.checkpoints import HeadInfo, SavedHead
from xtransfer.models.model import Model
from xtransfer.models.predict import RowEncoder, predict, predict_languages
from xtransfer.recipes.dual import DualRecipe
from xtransfer.recipes.mixture import Sampling
from xtransfer.recipes.recipe import Recipe
from xtransfer.training.finetune import finetune
from xtransfer.training.hard_negatives import with_negatives

from .tiny import COLD, PAIR, THINGS, WARM, Killed, killed_at, pair_rows

DUAL = DualRecipe(similarity="cosine", scale=10, learn_scale=True)
RECIPE = Recipe(steps=160, batch_size=12, learning_rate=3e-3, max_length=24, dropout=0.0, dual=DUAL)
RANKING = Benchmark("twins", "ranking", ("en",), Source("test"), {}, "p@1")
DUAL_PAIR = Benchmark("colours-dual", "dual-pair", ("en",), Source("test"), {}, "accuracy", labels=PAIR.labels)
COLOURS = [*WARM, *COLD]


def ranking_rows() -> list[Row]:
    """A colour and a thing, which must be found again by a text that says them otherwise."""
    texts = [(colour, thing) for colour in COLOURS for thing in THINGS]
    return [
        {"id": str(number), "group": str(number), "source": f"the {colour} {thing}", "target": f"a {thing} {colour}",
         "context": ""}
        for number, (colour, thing) in enumerate(texts)
    ]  # fmt: skip


def train(start: Path, folder: Path, recipe: Recipe = RECIPE, **options: Any) -> dict[str, Any]:
    parts = [(RANKING, ranking_rows()), (DUAL_PAIR, pair_rows(96))]
    return finetune(start, parts, recipe, 0, folder / "out", folder / "state", **options)


def precision(folder: Path, k: int = 1, **options: Any) -> float:
    loaded = checkpoints.load(folder)
    rows = ranking_rows()
    found = predict(loaded.encoder, None, RANKING, rows, RowEncoder(loaded.tokenizer, 24), **options)
    return METRICS[f"p@{k}"].compute([[row["id"]] for row in rows], [one.value for one in found])


@pytest.fixture(scope="module")
def trained(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("dual")
    return folder / "out", train(encoder, folder, sampling=Sampling(rule="rotation"))


def test_ranking_and_inference_in_rotation_are_both_learned(
    encoder: Path, trained: tuple[Path, dict[str, Any]]
) -> None:
    folder, facts = trained
    assert facts["steps"] == 160 and facts["degenerate"] is None
    assert facts["heads"] == {"twins": "fresh", "colours-dual": "fresh"}
    assert precision(folder) > 90 > precision(encoder)
    loaded = checkpoints.load(folder)
    rows = pair_rows(60, seed=1)
    found = predict(loaded.encoder, loaded.head_for(DUAL_PAIR), DUAL_PAIR, rows, RowEncoder(loaded.tokenizer, 24))
    assert sum(one.value == row["label"] for one, row in zip(found, rows, strict=True)) > 54


def test_heads_read_back_as_they_were_trained(trained: tuple[Path, dict[str, Any]]) -> None:
    heads = checkpoints.load(trained[0]).heads
    ranking, pair = heads["twins"].module, heads["colours-dual"].module
    assert isinstance(ranking, RankingHead) and isinstance(pair, DualPairHead)
    assert ranking.dual == pair.dual == DUAL
    assert ranking.scale.item() != 10  # it was learned
    saved = json.loads((trained[0] / "head.json").read_text())["heads"]
    assert saved["twins"]["dual"] == DUAL.model_dump(mode="json")


def test_heads_of_other_kinds_say_nothing_of_vectors(encoder: Path, tmp_path: Path) -> None:
    recipe = Recipe(steps=1, batch_size=4, max_length=24)
    finetune(encoder, [(PAIR, pair_rows(8))], recipe, 0, tmp_path / "out", tmp_path / "state")
    assert "dual" not in json.loads((tmp_path / "out" / "head.json").read_text())["heads"]["colours"]


def test_a_dual_encoder_goes_on_in_a_target(trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    carry = RECIPE.model_copy(update={"head": "carry", "steps": 1, "learning_rate": 1e-12})
    facts = finetune(trained[0], [(DUAL_PAIR, pair_rows(24))], carry, 0, tmp_path / "one", tmp_path / "state")
    assert facts["heads"] == {"colours-dual": "carried from colours-dual"} and facts["loss_first"] < 0.4

    fresh = finetune(trained[0], [(PAIR, pair_rows(24))], carry, 0, tmp_path / "two", tmp_path / "state")
    assert fresh["heads"] == {"colours": "fresh"}


def test_a_head_is_not_carried_to_other_vectors() -> None:
    """Its weights were trained on the mean of a text's tokens; the last token is another vector."""
    from xtransfer.kinds.carry import copied

    heads = {how: DualPairHead(8, PAIR.labels, 0.0, {**DUAL.model_dump(), "pooling": how}) for how in ("mean", "last")}
    before = {name: value.clone() for name, value in heads["last"].state_dict().items()}
    assert not copied(heads["mean"], heads["last"])
    assert all(torch.equal(value, before[name]) for name, value in heads["last"].state_dict().items())
    assert copied(heads["mean"], DualPairHead(8, PAIR.labels, 0.0, DUAL.model_dump()))


def test_hard_negatives_are_the_targets_most_like_the_own_one(trained: tuple[Path, dict[str, Any]]) -> None:
    loaded = checkpoints.load(trained[0])
    rows = [*ranking_rows(), {**ranking_rows()[0], "id": "double"}]  # whose target is another row's too
    recipe = RECIPE.model_copy(update={"dual": DualRecipe(hard_negatives=3)})
    (mined,) = with_negatives(RANKING, [rows], loaded, recipe, "cpu")
    targets = {row["target"] for row in rows}
    for row in mined:
        assert len(set(row["negatives"])) == 3 and set(row["negatives"]) <= targets - {row["target"]}
    words = [(set(row["target"].split()), [set(one.split()) for one in row["negatives"]]) for row in mined]
    shared = [bool((own & one) - {"a"}) for own, others in words for one in others]
    assert sum(shared) / len(shared) > 0.8  # nearly all share the colour or the thing; by chance 0.28 would
    assert with_negatives(DUAL_PAIR, [rows], loaded, recipe, "cpu") == [rows]
    assert with_negatives(RANKING, [rows], loaded, RECIPE, "cpu") == [rows]


def test_hard_negatives_make_the_loss_harder_and_survive_a_kill(encoder: Path, tmp_path: Path) -> None:
    parts = [(RANKING, ranking_rows())]
    hard = RECIPE.model_copy(update={"steps": 40, "dual": DUAL.model_copy(update={"hard_negatives": 2})})
    plain = RECIPE.model_copy(update={"steps": 40})

    def run(recipe: Recipe, name: str, **options: Any) -> dict[str, Any]:
        return finetune(encoder, parts, recipe, 0, tmp_path / name, tmp_path / f"{name}-state", **options)

    whole = run(hard, "one")
    assert whole["loss_first"] > run(plain, "plain")["loss_first"]
    with pytest.raises(Killed):
        run(hard, "two", progress=killed_at(20), save_every=0.01)
    assert run(hard, "two")["losses"] == whole["losses"]
    assert (tmp_path / "one" / "model.safetensors").read_bytes() == (
        tmp_path / "two" / "model.safetensors"
    ).read_bytes()


def test_a_run_of_random_pairs_is_degenerate(encoder: Path, tmp_path: Path) -> None:
    rows = ranking_rows()
    targets = [row["target"] for row in rows]
    random.Random(0).shuffle(targets)
    mixed = [{**row, "target": target} for row, target in zip(rows, targets, strict=True)]
    recipe = RECIPE.model_copy(update={"steps": 20, "learning_rate": 1e-6})
    facts = finetune(encoder, [(RANKING, mixed)], recipe, 0, tmp_path / "out", tmp_path / "state")
    assert "twins: the loss did not fall" in facts["degenerate"]


def test_spaces_of_both_sides_are_measured(trained: tuple[Path, dict[str, Any]]) -> None:
    loaded = checkpoints.load(trained[0])
    rows = ranking_rows()
    same = [{**row, "target": row["source"]} for row in rows]
    measures: dict[str, Any] = {}
    few = {"few": rows[:9], "same": same, "twins": rows}
    predict_languages(loaded.encoder, None, RANKING, few, RowEncoder(loaded.tokenizer, 24), measures=measures)
    assert measures["few"] == {}  # fewer than ten pairs
    assert set(measures["twins"]) == {"eigen_similarity", "eigen_similarity_of_unit"}
    assert measures["same"]["eigen_similarity"] == pytest.approx(0, abs=1e-3)
    assert measures["twins"]["eigen_similarity"] > measures["same"]["eigen_similarity"]


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("kind", ["ranking", "response", "neighbours", "dual-pair", "pair"])
@pytest.mark.parametrize("family", [RemBertConfig, ElectraConfig, XLMRobertaConfig])
def test_every_head_trains_in_bf16(family: Any, kind: str, dropout: float) -> None:
    """RemBERT and ELECTRA are padded, and RemBERT's last states are bf16: heads get fp32 all the same."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    rates = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    if family is RemBertConfig:
        rates["classifier_dropout_prob"] = dropout
    config = family(vocab_size=20, pad_token_id=1, max_position_embeddings=20, **sizes, **rates)
    encoder = AutoModel.from_config(config)
    info = HeadInfo(
        "any", kind, tuple(PAIR.labels), dropout, DUAL.model_dump(mode="json") if KINDS[kind].dual else None
    )
    heads = {"any": SavedHead(info, checkpoints.new_head(info, 16))}
    sequences = ((4, 5, 6), (7, 8), (9, 10, 11, 12))[: 3 if kind == "neighbours" else 1 if kind == "pair" else 2]
    given = collate([Encoded(sequences, None, number % 2) for number in range(4)], 1)
    model = Model(encoder, heads, "bf16").train()
    loss = model.loss(("any", given))
    loss.backward()
    assert loss.dtype == torch.float32 and math.isfinite(float(loss.detach()))
    learnt = [value.grad for value in encoder.parameters() if value.grad is not None]
    assert learnt and all(grad.isfinite().all() for grad in learnt) and any(grad.any() for grad in learnt)
