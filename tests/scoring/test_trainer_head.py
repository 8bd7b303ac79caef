"""The classifier of a checkpoint that transformers' Trainer saved scores what its labels fit, as transformers does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoTokenizer, XLMRobertaConfig, XLMRobertaForSequenceClassification

from tests.training.tiny import make_encoder
from xtransfer.base.errors import RequestError
from xtransfer.benchmarks import get
from xtransfer.data.load import load_rows
from xtransfer.models.trainer_head import labels_of
from xtransfer.planning.evaluation import evaluation
from xtransfer.planning.grid import plan
from xtransfer.scoring.score import score

LABELS = ("ENTAILMENT", "neutral", "contradiction")


def _save(folder: Path, labels: tuple[str, ...]) -> Path:
    make_encoder(folder)
    names = dict(enumerate(labels))
    config = XLMRobertaConfig.from_pretrained(folder, id2label=names, label2id={v: k for k, v in names.items()})
    torch.manual_seed(1)
    model = XLMRobertaForSequenceClassification(config)
    with torch.no_grad():
        model.classifier.out_proj.weight.normal_()
    model.save_pretrained(folder)
    return folder


def test_it_scores_as_transformers_does(tmp_path: Path) -> None:
    folder, out = _save(tmp_path / "saved", LABELS), tmp_path / "out"
    out.mkdir()
    study = evaluation(str(folder), ["lab-nli"])
    assert [one.slug for one in study.targets] == ["lab-nli:as-is"]
    assert plan(study).cells
    score(folder, get("lab-nli"), ["de"], "test", 32, out, limit=8)
    found = [row["scores"] for row in pq.read_table(out / "predictions.parquet").to_pylist()]
    model, tokenizer = (
        XLMRobertaForSequenceClassification.from_pretrained(folder),
        AutoTokenizer.from_pretrained(folder),
    )
    rows = load_rows(get("lab-nli"), "de", "test", 8)
    texts = [row["first"] for row in rows], [row["second"] for row in rows]
    with torch.no_grad():
        inputs = tokenizer(*texts, padding=True, truncation=True, max_length=32, return_tensors="pt")
        expected = model.eval()(**inputs).logits
    assert torch.allclose(torch.tensor(found), expected, atol=1e-5)
    assert expected.std() > 0.01


def test_other_labels_are_refused_before_anything_runs(tmp_path: Path) -> None:
    folder = _save(tmp_path / "saved", ("neutral", "entailment", "contradiction"))
    said = (
        r"no single head that fits lab-nli \(pair: entailment, neutral, contradiction\); its heads: trainer \(pair: n"
    )
    with pytest.raises(RequestError, match=said):
        plan(evaluation(str(folder), ["lab-nli:as-is"]))
    assert [one.slug for one in evaluation(str(folder), ["lab-nli"]).targets] == ["lab-nli"]  # fine-tuned first


@pytest.mark.parametrize(
    "changes",
    [
        {"architectures": ["BertForSequenceClassification"]},
        {"architectures": None},
        {"problem_type": "regression"},
        {"id2label": {"0": "LABEL_0", "1": "LABEL_1"}},
        {"id2label": {"0": "a"}},
        {"id2label": {"1": "a", "2": "b"}},
        {"id2label": None},
    ],
)
def test_configurations_without_such_a_classifier_have_no_labels(changes: dict[str, Any]) -> None:
    config = {"architectures": ["RobertaForSequenceClassification"], "id2label": {"0": "A", "1": "b"}}
    assert labels_of(json.loads(json.dumps(config))) == ("a", "b")
    assert labels_of({**config, **changes}) == ()
