from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from tests.training.tiny import make_encoder
from xtransfer.base.errors import RequestError
from xtransfer.benchmarks import get
from xtransfer.data.load import load_rows, save_rows
from xtransfer.kinds.heads import LabelHead
from xtransfer.models import checkpoints
from xtransfer.models.checkpoints import HeadInfo, SavedHead
from xtransfer.scoring.score import score
from xtransfer.translation.human_translations import human_rows

LABELS = ("entailment", "neutral", "contradiction")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random encoder with a head that always says label 1."""
    return _save(tmp_path_factory, LABELS)


def _save(factory: pytest.TempPathFactory, labels: tuple[str, ...]) -> Path:
    encoder = checkpoints.load(make_encoder(factory.mktemp("encoder")))
    head = LabelHead(32, labels, 0.0)
    with torch.no_grad():
        head.out_proj.weight.zero_()
        head.out_proj.bias.copy_(torch.tensor([0.0, 5.0, 1.0]))
    folder = factory.mktemp("checkpoint")
    saved = SavedHead(HeadInfo("lab-nli", "pair", labels, 0.0), head)
    checkpoints.save(folder, encoder.encoder, encoder.tokenizer, {"lab-nli": saved})
    return folder


def test_scores_and_predictions_are_written(checkpoint: Path, tmp_path: Path) -> None:
    scores = score(checkpoint, get("lab-inference"), ["sw", "de"], "test", 32, tmp_path, limit=24)
    assert [one.language for one in scores] == ["sw", "de"]
    assert all((one.n, one.metric, one.split, one.constant) == (24, "accuracy", "test", True) for one in scores)
    assert all(one.value == pytest.approx(100 / 3) == one.chance for one in scores)
    written = json.loads((tmp_path / "scores.json").read_text())
    assert [set(one) for one in written] == [{"language", "split", "metric", "value", "n", "chance", "constant"}] * 2
    table = pq.read_table(tmp_path / "predictions.parquet")
    assert table.column_names == ["language", "id", "group", "gold", "prediction", "item", "scores"]
    rows = table.to_pylist()
    assert len(rows) == 48
    assert {row["prediction"] for row in rows} == {"1"}
    assert all(row["item"] == 100.0 * (row["gold"] == "1") for row in rows)
    assert rows[0]["scores"] == [0.0, 5.0, 1.0]
    german = [row["item"] for row in rows if row["language"] == "de"]
    assert sum(german) / len(german) == pytest.approx(scores[1].value)


def test_retrieval_needs_no_head(checkpoint: Path, tmp_path: Path) -> None:
    (one,) = score(checkpoint, get("lab-retrieval"), ["tr"], "test", 32, tmp_path, limit=10)
    assert one.n == 10
    assert one.chance == 10.0  # the answer is one of ten
    rows = pq.read_table(tmp_path / "predictions.parquet").to_pylist()
    assert {json.loads(row["prediction"]) for row in rows} <= {row["id"] for row in rows}
    assert sum(row["item"] for row in rows) / 10 == one.value


def test_heads_that_do_not_answer_are_refused(
    checkpoint: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.raises(RequestError, match="no head for 'lab-copa'"):
        score(checkpoint, get("lab-copa"), ["de"], "test", 32, tmp_path, limit=8)
    turned = _save(tmp_path_factory, ("contradiction", "neutral", "entailment"))
    with pytest.raises(RequestError, match="same labels in the same order"):
        score(turned, get("lab-nli"), ["de"], "test", 32, tmp_path, limit=12)
    assert not list(tmp_path.glob("*.json"))


def test_nothing_asked_for_is_a_request_error(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no languages"):
        score(checkpoint, get("lab-nli"), [], "test", 32, tmp_path)
    with pytest.raises(RequestError, match="no test split in 'zh'"):
        score(checkpoint, get("lab-nli"), ["zh"], "test", 32, tmp_path)


def test_ranking_has_three_precisions_and_measures_of_both_spaces(checkpoint: Path, tmp_path: Path) -> None:
    scores = score(checkpoint, get("lab-parallel"), ["tr", "de"], "test", 32, tmp_path, limit=20)
    assert [(one.language, one.metric) for one in scores] == [
        (code, metric) for code in ("tr", "de") for metric in ("p@1", "p@3", "p@10")
    ]
    values = [one.value for one in scores if one.language == "tr"]
    assert values == sorted(values) and values[-1] >= 50  # ten of twenty, whatever the model
    measures = json.loads((tmp_path / "measures.json").read_text())
    assert set(measures) == {"tr", "de"}
    assert all(value > 0 for own in measures.values() for value in own.values())


def test_kinds_that_measure_nothing_write_no_measures(checkpoint: Path, tmp_path: Path) -> None:
    score(checkpoint, get("lab-retrieval"), ["tr"], "test", 32, tmp_path, limit=10)
    assert not (tmp_path / "measures.json").exists()


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random encoder whose answers depend on what it reads."""
    encoder = checkpoints.load(make_encoder(tmp_path_factory.mktemp("encoder")))
    head = LabelHead(32, LABELS, 0.0)
    saved, folder = SavedHead(HeadInfo("lab-nli", "pair", LABELS, 0.0), head), tmp_path_factory.mktemp("reading")
    with torch.no_grad():
        torch.nn.init.normal_(head.out_proj.weight, generator=torch.Generator().manual_seed(0))
        head.out_proj.bias.zero_()
        checkpoints.save(folder, encoder.encoder, encoder.tokenizer, {"lab-nli": saved})
        score(folder, get("lab-inference"), ["en", "de"], "test", 32, folder, limit=48)
        logits = torch.tensor(pq.read_table(folder / "predictions.parquet")["scores"].to_pylist())
        head.out_proj.bias -= logits.median(0).values  # what a row changes decides, not what all have in common
    checkpoints.save(folder, encoder.encoder, encoder.tokenizer, {"lab-nli": saved})
    return folder


def _read(folder: Path) -> dict[str, list[tuple[str, str, str]]]:
    """Language → id, gold and prediction of its rows."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for row in pq.read_table(folder / "predictions.parquet").to_pylist():
        found.setdefault(row["language"], []).append((row["id"], row["gold"], row["prediction"]))
    return found


def test_rows_that_are_translated_perfectly_score_as_in_english(reading: Path, tmp_path: Path) -> None:
    lab, folders = get("lab-inference"), [tmp_path / name for name in ("plain", "translated")]
    for folder in folders:
        folder.mkdir()
    file = tmp_path / "rows.parquet"
    save_rows(human_rows("lab-inference", "en", "test", 48, "de")[0], file)
    plain = score(reading, lab, ["en", "de"], "test", 32, folders[0], limit=48)
    translated = score(reading, lab, ["en", "de"], "test", 32, folders[1], limit=48, translated={"de": file})
    assert plain[0] == translated[0] and translated[1].value == plain[0].value
    assert _read(folders[1])["de"] == _read(folders[1])["en"] == _read(folders[0])["en"] != _read(folders[0])["de"]


def test_a_row_without_a_translation_is_read_as_it_was_written(reading: Path, tmp_path: Path) -> None:
    lab, file = get("lab-inference"), tmp_path / "rows.parquet"
    english = human_rows("lab-inference", "en", "test", 48, "de")[0]
    save_rows(english[1::2], file)
    (one,) = score(reading, lab, ["de"], "test", 32, tmp_path, limit=48, translated={"de": file})
    found, written = _read(tmp_path)["de"], load_rows(lab, "de", "test", 48)
    assert one.n == 48 and [row[0] for row in found] == [row["id"] for row in written]
    score(reading, lab, ["en", "de"], "test", 32, tmp_path, limit=48)
    plain = _read(tmp_path)
    assert found == [plain["en" if place % 2 else "de"][place] for place in range(48)]


def test_languages_may_have_checkpoints_of_their_own(checkpoint: Path, reading: Path, tmp_path: Path) -> None:
    lab = get("lab-inference")
    mixed = score(checkpoint, lab, ["sw", "de"], "test", 32, tmp_path, limit=48, own={"de": reading})
    assert [(one.language, one.constant) for one in mixed] == [("sw", True), ("de", False)]
    alone = score(reading, lab, ["de"], "test", 32, tmp_path, limit=48)
    assert score(None, lab, ["de"], "test", 32, tmp_path, limit=48, own={"de": reading}) == alone == mixed[1:]
