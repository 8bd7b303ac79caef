"""An encoder that could not be trained is refused when a study is planned, with what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.checkpoints.folders import CONFIG, files, in_shards, put
from xtransfer.base.errors import RequestError
from xtransfer.models.encoder_check import check_encoder, positions_of
from xtransfer.planning import grid, single_runs
from xtransfer.recipes.recipe import Recipe
from xtransfer.study.encoders import EncoderRef, resolve
from xtransfer.study.study import make

POSITIONS = {"max_position_embeddings": 34, "pad_token_id": 1}


def _folder(place: Path, content: dict[str, bytes], **config: Any) -> str:
    return str(put(place, {**content, "config.json": json.dumps({**CONFIG, **config}).encode()}))


def _plan(encoder: str, **recipe: Any) -> grid.Plan:
    first = {"epochs": 1, "max_length": 32, **recipe}
    values = {"name": "mine", "encoders": [encoder], "intermediates": ["direct", "lab-nli@en"],
              "targets": ["lab-inference"], "target_recipe": {"epochs": 1, "max_length": 32},
              "intermediate_recipe": first}  # fmt: skip
    return grid.plan(make(values))


@pytest.mark.parametrize("content", [files(), in_shards()])
def test_a_whole_checkpoint_is_planned_with(tmp_path: Path, content: dict[str, bytes]) -> None:
    assert _plan(_folder(tmp_path, content, **POSITIONS)).cells


@pytest.mark.parametrize(
    ("missing", "more", "said"),
    [
        (["model.safetensors"], {"pytorch_model.bin": b"\x80"}, r"pytorch_model\.bin.*convert it: python -c"),
        (["model.safetensors"], {}, "no weights"),
        ([], {"model.safetensors": files()["model.safetensors"][:-1]}, r"model\.safetensors: \d+ of \d+ bytes"),
        (["tokenizer.json"], {}, "no tokenizer"),
        ([], {"head.json": b"{}"}, "heads need both"),
    ],
)
def test_what_is_not_whole_is_refused(tmp_path: Path, missing: list[str], more: dict[str, bytes], said: str) -> None:
    content = {name: data for name, data in {**files(), **more}.items() if name not in missing}
    with pytest.raises(RequestError, match=said):
        _plan(_folder(tmp_path, content))


def test_sequences_longer_than_the_table_of_positions_are_refused(tmp_path: Path) -> None:
    place = _folder(tmp_path, files(), **POSITIONS)
    with pytest.raises(
        RequestError, match=r"intermediate_recipe: max_length 33 is too long: encoder .* has positions for 32 tokens"
    ):
        _plan(place, max_length=33)
    with pytest.raises(RequestError, match="positions for 32 tokens"):
        single_runs.intermediate_training(place, "lab-nli@en", [0], recipe={"max_length": 64})
    with pytest.raises(RequestError, match="positions for 32 tokens"):
        single_runs.target_training(place, "lab-inference", [0], recipe={"max_length": 64})
    with pytest.raises(
        RequestError,
        match="intermediate_recipe: max_length 65 is too long: encoder lab-tiny has positions for 64 tokens",
    ):
        _plan("lab-tiny@0", max_length=65)


@pytest.mark.parametrize(
    ("config", "positions"),
    [
        (POSITIONS, 32),
        ({**POSITIONS, "pad_token_id": None}, 32),
        ({"model_type": "bert", **POSITIONS}, 34),
        ({"model_type": "deberta-v2", **POSITIONS}, None),
        ({"model_type": "mt5"}, None),
    ],
)
def test_positions_of_families(tmp_path: Path, config: dict[str, Any], positions: int | None) -> None:
    assert positions_of(resolve(_folder(tmp_path, files(), **config))) == positions


def test_nothing_is_asked_for_an_encoder_at_no_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object, **__: object) -> str:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", asked)
    with pytest.raises(AssertionError, match="was asked"):
        positions_of(EncoderRef(slug="x", source="hub", id="someone/x", revision="0" * 40))
    check_encoder(EncoderRef(slug="x", source="hub", id="someone/x", revision=""), {"recipe": Recipe(epochs=1)})
