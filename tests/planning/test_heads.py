"""A target that is not trained for needs a head, and the plan knows which heads there will be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from tests.training.tiny import make_encoder
from xtransfer.base.errors import RequestError
from xtransfer.planning.grid import plan
from xtransfer.study.study import make

LABELS = ["entailment", "neutral", "contradiction"]


def _plan(target: str, encoder: str = "lab-tiny@0", intermediate: str = "direct") -> Any:
    recipe = {"epochs": 1, "max_length": 32, "select": "last"}
    recipes = {"intermediate_recipe": recipe, "target_recipe": recipe}
    grid = {"name": "a", "encoders": [encoder], "intermediates": [intermediate], "targets": [target]}
    return plan(make({**grid, **recipes}))


@pytest.mark.parametrize(
    ("target", "intermediate", "said"),
    [
        ("lab-nli:as-is", "direct", r"after direct, 'lab-tiny@0' has no single head that fits lab-nli \(pair: .*none"),
        ("lab-nli:as-is", "lab-copa@en", r"its heads: lab-copa \(choice\); remove :as-is to fine-tune it"),
        ("lab-copa:as-is", "lab-copa@en>lab-nli@de", r"its heads: lab-nli \(pair: entailment"),
    ],
)
def test_what_no_head_answers_is_refused(target: str, intermediate: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        _plan(target, intermediate=intermediate)


def test_what_a_head_answers_is_planned(tmp_path: Path) -> None:
    for target, intermediate in (
        ("lab-inference:as-is", "lab-nli@de"),
        ("lab-nli:as-is", "lab-copa@en+lab-nli@en"),
        ("lab-retrieval:as-is", "direct"),
        ("lab-nli", "direct"),
    ):
        assert _plan(target, intermediate=intermediate).cells
    folder = make_encoder(tmp_path / "folder")
    with pytest.raises(RequestError, match="its heads: none; remove :as-is"):
        _plan("lab-nli:as-is", str(folder))
    head = {"benchmark": "mnli", "kind": "pair", "labels": LABELS, "dropout": 0.1}
    save_file({"mnli/dense.bias": torch.zeros(32)}, folder / "head.safetensors")
    (folder / "head.json").write_text(json.dumps({"heads": {"mnli": head}}))
    assert _plan("lab-nli:as-is", str(folder)).cells
