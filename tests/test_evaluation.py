"""The study that an evaluation is: what is scored as it comes, what is trained first, and with which recipe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from xtransfer.base.errors import RequestError
from xtransfer.benchmarks import get
from xtransfer.planning.evaluation import RECIPES, evaluation
from xtransfer.planning.grid import plan
from xtransfer.planning.heads import Head, answered_by

LABELS = ["entailment", "neutral", "contradiction"]


def _checkpoint(folder: Path, heads: dict[str, dict[str, Any]], **config: Any) -> str:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "xlm-roberta", **config}))
    if heads:
        heads = {name: {"benchmark": name, "labels": [], "dropout": 0.1, **head} for name, head in heads.items()}
        (folder / "head.json").write_text(json.dumps({"heads": heads}))
    return str(folder)


def test_every_target_is_trained_on_where_the_checkpoint_has_no_head() -> None:
    study = evaluation("lab-mini@0", ["lab-inference", "lab-copa<lab-copa", "lab-retrieval:layer1"], seeds=[1, 2])
    assert (study.name, study.encoders, study.seeds) == ("evaluate-lab-mini-0", ("lab-mini@0",), (1, 2))
    assert [one.slug for one in study.intermediates] == ["direct"]
    assert [one.slug for one in study.targets] == ["lab-inference", "lab-copa<lab-copa", "lab-retrieval:layer1"]
    assert all(one.fine_tune for one in study.targets)
    assert plan(study).cells


def test_a_target_that_compares_vectors_is_trained_as_published_for_what_it_is_trained_on() -> None:
    study = evaluation("lab-mini@0", ["lareqa<squad-answers:cls", "mewsli-x<mewsli-x-pairs", "tatoeba<squad", "lareqa"])
    answers, pairs, spans, nothing = (study.recipe_for(one) for one in study.targets)
    assert (answers.batch_size, answers.dual.pooling, answers.dual.negatives_within) == (16, "cls", 4)
    assert (pairs.batch_size, pairs.dual.scale, pairs.dual.learn_scale) == (256, 100, True)
    assert spans.learning_rate == 3e-5
    assert nothing.source.startswith("transformers' fine-tuning defaults")


def test_what_a_head_answers_is_scored_as_it_comes(tmp_path: Path) -> None:
    place = _checkpoint(tmp_path / "My Model", {"mnli": {"kind": "pair", "labels": LABELS}})
    study = evaluation(place, ["xnli", "paws-x", "xnli<lingnli-b", "xcopa", "tatoeba"])
    assert study.name == "evaluate-my-model"
    assert [one.slug for one in study.targets] == ["xnli:as-is", "paws-x", "xnli<lingnli-b", "xcopa", "tatoeba"]


def test_a_head_fits_by_kind_and_labels_and_its_own_benchmark_goes_first() -> None:
    inference = Head(kind="pair", labels=tuple(LABELS))
    reversed_labels = Head(kind="pair", labels=tuple(LABELS[::-1]))
    assert answered_by({"mnli": inference}, get("xnli")) == "mnli"
    assert answered_by({"mnli": reversed_labels}, get("xnli")) is None
    assert answered_by({"mnli": inference, "snli": inference}, get("xnli")) is None
    assert answered_by({"mnli": inference, "xnli": inference}, get("xnli")) == "xnli"
    assert answered_by({"copa": Head(kind="choice", labels=())}, get("xcopa")) == "copa"
    assert answered_by({"mlm": Head(kind="bitext", labels=())}, get("tatoeba")) is None


def test_split_rows_and_languages_are_those_asked_for() -> None:
    study = evaluation("lab-mini@0", ["lab-inference"], languages=["de"], split="dev", rows=30, train_rows=64)
    (target,) = study.targets
    assert (target.slug, target.train_rows, study.languages) == ("lab-inference:dev:first30", 64, ("de",))


def test_the_recipe_is_the_published_one_of_the_kind_as_far_as_the_encoder_reads(tmp_path: Path) -> None:
    place = _checkpoint(tmp_path / "whole", {}, max_position_embeddings=514, pad_token_id=1)
    xnli, xquad, own = (one.recipe for one in evaluation(place, ["xnli", "xquad", "xcopa"]).targets)
    assert xnli == RECIPES["pair"] and xnli is not None and xnli.select == "best"
    assert xquad is not None and (xquad.max_length, xquad.learning_rate) == (384, 3e-5)
    assert own == RECIPES["choice"]
    short = _checkpoint(tmp_path / "short", {}, max_position_embeddings=66, pad_token_id=1)
    (target,) = evaluation(short, ["xquad"]).targets
    assert target.recipe is not None and target.recipe.max_length == 64


def test_recipe_fields_are_replaced_for_every_target() -> None:
    study = evaluation("lab-mini@0", ["lab-inference", "lab-copa"], recipe={"steps": 3, "batch_size": 4})
    for target in study.targets:
        assert target.recipe is not None
        assert (target.recipe.steps, target.recipe.epochs, target.recipe.batch_size) == (3, None, 4)
        assert target.recipe.source == ""  # no longer what was published


@pytest.mark.parametrize(
    ("targets", "more", "said"),
    [
        (["xnly"], {}, "did you mean 'xnli'"),
        (["xnli:layer"], {}, "target 'xnli:layer'.*not a valid mark"),
        (["lab-inference"], {"recipe": {"epoch": 1}}, "recipe: epoch.*did you mean 'epochs'"),
        (["lab-inference"], {"recipe": {"learning_rate": 7}}, "recipe: learning_rate"),
        (["lab-inference", "lab-inference"], {}, "listed twice"),
        ([], {}, "targets"),
        (["lab-inference"], {"name": "a/b"}, "name"),
    ],
)
def test_wrong_requests_are_told(targets: list[str], more: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        evaluation("lab-mini@0", targets, **more)


def test_a_damaged_head_file_is_named(tmp_path: Path) -> None:
    place = _checkpoint(tmp_path / "broken", {})
    (tmp_path / "broken" / "head.json").write_text("{")
    with pytest.raises(RequestError, match=r"head\.json: not valid JSON"):
        evaluation(place, ["xnli"])
    (tmp_path / "broken" / "head.json").write_text('{"heads": {"mnli": {"kind": "pair"}}}')
    with pytest.raises(RequestError, match=r"head\.json.*mnli\.labels: required"):
        evaluation(place, ["xnli"])
