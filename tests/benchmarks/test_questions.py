from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.training.tiny import make_encoder
from xtransfer.base.errors import HiddenLabels, SourceError
from xtransfer.benchmarks import get
from xtransfer.data.canonical import canonical, from_rows
from xtransfer.data.load import load_rows
from xtransfer.kinds import span
from xtransfer.models import checkpoints
from xtransfer.recipes.recipe import Recipe
from xtransfer.scoring.score import score
from xtransfer.training import finetune

MAX_LENGTH = 64
ANSWER = {"text": ["b c"], "answer_start": [2]}
ROW = {"id": "english-7", "context": "a b c d", "question": "h", "answers": ANSWER}


def test_sources_as_they_come_become_rows() -> None:
    rows, _ = canonical(get("squad"), from_rows("squad/en/dev", [ROW]))
    assert [{name: row[name] for name in ("id", "context", "question", "answers", "starts")} for row in rows] == [
        {"id": "english-7", "context": "a b c d", "question": "h", "answers": ["b c"], "starts": [2]}
    ]
    none = {**ROW, "id": "1", "answers": {"text": [], "answer_start": []}}
    rows, _ = canonical(get("squad2"), from_rows("squad2/en/dev", [ROW, none]))
    assert [row["answers"] for row in rows] == [["b c"], []]
    with pytest.raises(HiddenLabels, match="xquad/de/test: answers are hidden"):
        canonical(get("xquad"), from_rows("xquad/de/test", [{**none, "answers": None}]))


def test_training_rows_of_tydiqa_get_names_of_their_own() -> None:
    test = {**ROW, "id": "swahili--123-4", "question": "g"}
    others = [{**ROW, "question": text} for text in ("h", "g")]
    rows, _ = canonical(get("tydiqa"), from_rows("tydiqa/en/train", [*others, test]))
    first, second, last = (row["id"] for row in rows)
    assert first.startswith("english-7-") and second.startswith("english-7-") and first != second
    assert last == "swahili--123-4"
    keep = get("tydiqa").source.keep
    assert keep is not None
    assert [keep(test, code) for code in ("sw", "en")] == [True, False]


def test_who_trains_and_who_is_scored_where() -> None:
    assert get("xquad").source_of("train", "en").path == get("mlqa").source_of("train", "en").path == "rajpurkar/squad"
    assert get("mlqa").source_of("test", "zh").configs_of("zh") == ("mlqa.zh.zh",)
    assert get("mlqa").languages_of("dev") == get("mlqa").languages
    assert len(get("xquad").languages) == 11 and "ro" not in get("xquad").languages
    assert set(get("xquad-xtreme-r").languages) - set(get("xquad").languages) == {"ro"}
    assert get("tydiqa").languages_of("train") == get("tydiqa").languages
    assert get("tydiqa").languages_of("dev") == ("en",)
    assert get("squad").roles == get("jsquad").roles == ("intermediate",)


def test_real_questions_of_xquad_are_parallel(hub_dir: Path) -> None:
    ids = {code: [row["id"] for row in load_rows(get("xquad-xtreme-r"), code, "test")] for code in ("en", "zh", "ro")}
    assert len(ids["en"]) == 1190
    assert ids["en"] == ids["zh"] == ids["ro"]


def test_real_answers_have_tokens(hub_dir: Path, tmp_path: Path) -> None:
    """Every answer of the first rows is inside some window, and its tokens cover it."""
    tokenizer = checkpoints.load(make_encoder(tmp_path / "encoder", MAX_LENGTH + 2)).tokenizer
    for name, code, split in (
        ("xquad", "ar", "test"),
        ("xquad", "th", "test"),
        ("mlqa", "hi", "dev"),
        ("mlqa", "zh", "dev"),
        ("tydiqa", "ko", "train"),
        ("jsquad", "ja", "dev"),
    ):
        rows = load_rows(get(name), code, split, 100)
        for row, one in zip(rows, span.encode(rows, tokenizer, 384), strict=True):
            starts, ends, windows = one.extra
            (place, first, _), (begin, end) = next(
                (window, target) for window, target in zip(windows, one.target, strict=True) if target != (0, 0)
            )
            found = row["context"][starts[begin - place + first] : ends[end - place + first]]
            assert row["answers"][0].strip() in found, (name, code, row["id"])


def test_real_hidden_and_missing_splits_are_refused(hub_dir: Path) -> None:
    with pytest.raises(HiddenLabels, match="tydiqa/sw/test: answers are hidden"):
        load_rows(get("tydiqa"), "sw", "test")
    with pytest.raises(SourceError, match=r"no file mlqa.en.en/test"):
        load_rows(get("mlqa"), "en", "test")


def test_real_contexts_of_tydiqa_are_held_out_whole(hub_dir: Path) -> None:
    held = get("tydiqa-held-out")
    for code in ("en", "sw"):
        train, dev = ({row["context"] for row in load_rows(held, code, split)} for split in ("train", "dev"))
        assert not train & dev
        everything = load_rows(get("tydiqa"), code, "train")
        assert train | dev == {row["context"] for row in everything}
        assert 0.05 < len(dev) / len(train | dev) < 0.15
    assert len(load_rows(get("tydiqa"), "en", "train")) == 3696


def test_trained_on_real_tydiqa_and_scored_on_real_xquad(hub_dir: Path, tmp_path: Path) -> None:
    encoder = make_encoder(tmp_path / "encoder", MAX_LENGTH + 2)
    recipe = Recipe(steps=2, batch_size=4, learning_rate=1e-3, max_length=MAX_LENGTH)
    rows = load_rows(get("tydiqa"), "en", "train", 8)
    facts = finetune.finetune(encoder, [(get("tydiqa"), rows)], recipe, 0, tmp_path / "trained", tmp_path / "state")
    assert facts["steps"] == 2 and facts["degenerate"] is None
    out = tmp_path / "scores"
    out.mkdir()
    scores = score(tmp_path / "trained", get("xquad"), ["en", "zh"], "test", MAX_LENGTH, out, limit=20)
    assert [(one.language, one.metric, one.n) for one in scores] == [
        (code, metric, 20) for code in ("en", "zh") for metric in ("f1", "exact_match")
    ]
    table = pq.read_table(out / "predictions.parquet").to_pylist()
    english = [row for row in table if row["language"] == "en"]
    assert sum(row["item"] for row in english) / 20 == pytest.approx(scores[0].value)
    contexts = {row["id"]: row["context"] for row in load_rows(get("xquad"), "en", "test")}
    assert all(json.loads(row["prediction"]) in contexts[row["id"]] for row in english)
    assert [row["id"] for row in english] == [row["id"] for row in table if row["language"] == "zh"]
