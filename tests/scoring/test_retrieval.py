"""Retrieval from files to numbers: a mirror written by the test, a tiny encoder, scores and predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.data.mirror import write
from tests.training.tiny import make_encoder
from xtransfer.base.errors import DataError, SourceError
from xtransfer.benchmarks import get
from xtransfer.benchmarks.spec import Row
from xtransfer.data.load import available, load_pool, load_rows, pin_rows
from xtransfer.kinds import KINDS
from xtransfer.models import checkpoints
from xtransfer.models.predict import RowEncoder, predict_languages
from xtransfer.scoring.score import score

TEXTS = ["the red house", "a blue ship", "green stone", "violet bird", "orange river the tree", "yellow"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(folder))
    return folder


def _write_bucc(mirror: Path, language: str, split: str, pairs: int) -> None:
    """The foreign sentences of the pairs are the English ones themselves, so that any encoder finds them."""
    place, paired = f"local/bucc18-{language}-mining", [number < pairs for number, _ in enumerate(TEXTS)]
    names = [(f"{language}-{number}", f"en-{number}") for number, _ in enumerate(TEXTS)]
    gold = [english if is_pair else "" for (_, english), is_pair in zip(names, paired, strict=True)]
    write(mirror, f"{place}/{language}/{split}", {"id": [one for one, _ in names], "text": TEXTS, "gold": gold})
    others = [text if is_pair else f"{text} {text}" for text, is_pair in zip(TEXTS, paired, strict=True)]
    write(mirror, f"{place}/en/{split}", {"id": [two for _, two in names], "text": others, "gold": [""] * len(TEXTS)})


def test_bucc_is_mined_with_the_threshold_of_dev(encoder: Path, mirror: Path, tmp_path: Path) -> None:
    for language in ("de", "fr"):
        _write_bucc(mirror, language, "validation", 3)
        _write_bucc(mirror, language, "test", 4)
    for split, pairs in (("test", 4), ("dev", 3)):
        scores = score(encoder, get("bucc"), ["de", "fr"], split, 32, tmp_path)
        assert [one.metric for one in scores] == ["bitext_f1", "bitext_precision", "bitext_recall"] * 2
        assert {(one.n, one.chance, one.split) for one in scores} == {(12, None, split)}
        assert [one.value for one in scores[2::3]] == [100.0, 100.0]
        rows = pq.read_table(tmp_path / "predictions.parquet").to_pylist()
        found = {row["id"]: json.loads(row["prediction"]) for row in rows if row["language"] == "de"}
        assert [found[f"de-{number}"] for number in range(pairs)] == [[f"en-{number}"] for number in range(pairs)]
        assert all(found[f"en-{number}"] == [] for number in range(6))
        assert {row["item"] for row in rows} == {None}
    assert available(get("bucc")) == "'local/bucc18-ru-mining' is in no mirror"


def test_bucc_without_its_files_says_where_they_come_from(mirror: Path) -> None:
    with pytest.raises(SourceError, match=r"bucc/zh/test: .*bucc2018-<language>-en.training-gold.tar.bz2 \(test\)"):
        load_rows(get("bucc"), "zh", "test")
    write(mirror, "local/bucc18-zh-mining/zh/test", {"id": ["zh-1"], "text": ["x"]})
    write(mirror, "local/bucc18-zh-mining/en/test", {"id": ["en-1"], "text": ["x"]})
    with pytest.raises(DataError, match="bucc/zh/test, row 0: no column 'gold'; the source has id, text"):
        load_rows(get("bucc"), "zh", "test")


def test_lareqa_without_sentence_breaks_is_refused(mirror: Path) -> None:
    answers = [{"text": ["house"], "answer_start": [4]}]
    columns = {"id": ["q"], "context": ["the house"], "question": ["what"], "answers": answers}
    write(mirror, "google-research-datasets/xquad_r/de/validation", columns)
    with pytest.raises(DataError, match="lareqa/de/test: no column sentence_breaks"):
        load_rows(get("lareqa"), "de", "test")


def test_lareqa_is_scored_over_languages(encoder: Path, mirror: Path, tmp_path: Path) -> None:
    for language, text in (("de", "red ship. blue house."), ("tr", "green bird. violet tree.")):
        columns = {
            "id": ["q1", "q2"],
            "context": [text] * 2,
            "question": [text[:9], text[10:]],
            "answers": [{"text": [text[:3]], "answer_start": [0]}, {"text": [text[10:14]], "answer_start": [10]}],
            "sentence_breaks": [[[0, 9], [10, len(text)]]] * 2,
        }
        write(mirror, f"google-research-datasets/xquad_r/{language}/validation", columns)
    scores = score(encoder, get("lareqa"), ["de", "tr"], "test", 32, tmp_path)
    rows = pq.read_table(tmp_path / "predictions.parquet").to_pylist()
    assert {len(json.loads(row["prediction"])) for row in rows} == {4}
    assert [json.loads(row["gold"]) for row in rows] == [["de/q1/0", "tr/q1/0"], ["de/q1/1", "tr/q1/1"]] * 2
    german = [row["item"] for row in rows if row["language"] == "de"]
    assert scores[0].value == pytest.approx(sum(german) / 2)
    assert 0 < scores[0].value <= 100


def _write_mewsli(mirror: Path, entities: list[str]) -> None:
    mentions: dict[str, list[Any]] = {
        "example_id": ["m1", "m2"],
        "entity_id": ["Q1", "Q3"],
        "text": ["a tree. the red house"] * 2,
        "start": [12, 2],
        "end": [15, 6],
        "sentence_spans": [[{"start": 0, "end": 7}, {"start": 8, "end": 21}]] * 2,
    }
    write(mirror, "local/mewsli-x/de/test", mentions)
    spans = [[{"start": 0, "end": len(text)}] for text in TEXTS[: len(entities)]]
    candidates = {"entity_id": entities, "description": TEXTS[: len(entities)], "sentence_spans": spans}
    write(mirror, "local/mewsli-x/candidates/test", candidates)


def test_mewsli_x_looks_in_its_pool(encoder: Path, mirror: Path, tmp_path: Path) -> None:
    _write_mewsli(mirror, ["Q1", "Q2", "Q3"])
    first, second = load_rows(get("mewsli-x"), "de", "test")
    assert (first["text"], first["text"][first["start"] : first["end"]]) == ("the red house", "red")
    assert (second["text"], second["start"], second["end"]) == ("a tree.", 2, 6)
    assert [row["entity"] for row in load_pool(get("mewsli-x"))] == ["Q1", "Q2", "Q3"]
    (one,) = score(encoder, get("mewsli-x"), ["de"], "test", 32, tmp_path)
    rows = pq.read_table(tmp_path / "predictions.parquet").to_pylist()
    assert [row["id"] for row in rows] == ["m1", "m2"]
    assert all(sorted(json.loads(row["prediction"])) == ["Q1", "Q2", "Q3"] for row in rows)
    assert one.value == pytest.approx(sum(row["item"] for row in rows) / 2)
    assert one.n == 2


def test_pool_of_mewsli_x_is_pinned_and_checked(encoder: Path, mirror: Path, tmp_path: Path) -> None:
    _write_mewsli(mirror, ["Q1", "Q2", "Q3"])
    before = pin_rows(get("mewsli-x"), "test", ["de"])
    _write_mewsli(mirror, ["Q1", "Q2"])
    assert pin_rows(get("mewsli-x"), "test", ["de"]) != before
    with pytest.raises(DataError, match="mention 'm2' links to entity 'Q3'"):
        score(encoder, get("mewsli-x"), ["de"], "test", 32, tmp_path)
    (mirror / "local/mewsli-x/candidates/test-00000-of-00001.parquet").unlink()
    with pytest.raises(SourceError, match=r"mewsli-x/pool/test: .*get-mewsli-x\.sh"):
        load_pool(get("mewsli-x"))
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.parametrize(
    ("name", "language", "limit"), [("bucc", "zh", 60), ("tatoeba-r", "uk", 40), ("lareqa", "th", 5)]
)
def test_real_rows_are_scored(name: str, language: str, limit: int, encoder: Path, hub_dir: Path) -> None:
    benchmark, model = get(name), checkpoints.load(encoder)
    split = "dev" if name == "bucc" else "test"
    rows: dict[str, list[Row]] = {language: load_rows(benchmark, language, split, limit)}
    together = KINDS[benchmark.kind].together
    rows = together(rows) if together is not None else rows
    reader = RowEncoder(model.tokenizer, 32)
    found = predict_languages(model.encoder, None, benchmark, rows, reader, dev=rows)
    again = predict_languages(model.encoder, None, benchmark, rows, reader, dev=rows)
    assert len(found[language]) == len(rows[language]) == limit
    assert found == again
