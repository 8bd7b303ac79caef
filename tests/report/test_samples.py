"""Samples: answers in words beside the rows that they are of, translations beside their sources."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xtransfer import benchmarks, kinds
from xtransfer.base.stage import Stage
from xtransfer.data.load import load_rows, save_rows
from xtransfer.report import samples, translated
from xtransfer.report.data_used import into
from xtransfer.results.predictions import FILE
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.stage_settings import TranslateSettings

NOW = datetime.now(UTC)


def scored(store: ArtifactStore, target: str, answers: dict[str, list[tuple[str, Any, Any, float | None]]]) -> Any:
    """A cell whose score artifact has these (id, gold, prediction, points) by language."""
    stage = Stage("score", 1, f"score {target}", {"target": target})
    out = store.empty_out(stage.key)
    rows = [
        {"language": code, "id": name, "gold": json.dumps(gold), "prediction": json.dumps(said), "item": points}
        for code, own in answers.items()
        for name, gold, said, points in own
    ]
    schema = pa.schema([(name, pa.string()) for name in ("language", "id", "gold", "prediction")])
    pq.write_table(pa.Table.from_pylist(rows, schema.append(pa.field("item", pa.float64()))), out / FILE)
    store.commit(stage, out, {}, "cpu", NOW)
    return SimpleNamespace(
        target=target, status="done", encoder="tiny@0", intermediate="direct", seed=0, score_stage=stage.key
    )


def facts(*cells: Any, translations: tuple[Any, ...] = ()) -> Any:
    return SimpleNamespace(cells=cells, translations=translations)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path)


def test_labels_are_words_and_wrong_answers_stand_first(store: ArtifactStore) -> None:
    rows = load_rows(benchmarks.get("lab-inference"), "sw", "test")[:6]
    labels = benchmarks.get("lab-inference").labels
    answers = [(row["id"], row["label"], row["label"], 100.0) for row in rows[:3]]
    answers += [(row["id"], row["label"], (row["label"] + 1) % len(labels), 0.0) for row in rows[3:]]
    shown = samples.predictions(facts(scored(store, "lab-inference", {"sw": answers})), store)
    assert [one["right"] for one in shown] == ["no", "no", "yes", "yes"]
    first = rows[3]
    assert shown[0] == {
        "target": "lab-inference",
        "language": "sw",
        "right": "no",
        "gold": labels[first["label"]],
        "predicted": labels[(first["label"] + 1) % len(labels)],
        "input": f"{first['first']} ‖ {first['second']}",
        "run": "tiny@0 after direct, seed 0",
    }


def test_options_and_found_sentences_are_shown_as_text(store: ArtifactStore) -> None:
    choice = load_rows(benchmarks.get("lab-copa"), "de", "test")[0]
    pairs = load_rows(benchmarks.get("lab-retrieval"), "de", "test")
    cells = (
        scored(store, "lab-copa", {"de": [(choice["id"], choice["label"], 1 - choice["label"], 0.0)]}),
        scored(store, "lab-retrieval", {"de": [(pairs[0]["id"], pairs[0]["id"], pairs[5]["id"], 0.0)]}),
    )
    option, found = samples.predictions(facts(*cells), store)
    assert (option["gold"], option["predicted"]) == (
        choice["choices"][choice["label"]],
        choice["choices"][1 - choice["label"]],
    )
    assert (found["gold"], found["predicted"]) == (pairs[0]["target"], pairs[5]["target"])


def test_each_target_shows_a_run_that_has_learnt_something_where_there_is_one(store: ArtifactStore) -> None:
    row = load_rows(benchmarks.get("lab-inference"), "de", "test")[0]
    good = scored(store, "lab-inference", {"de": [(row["id"], row["label"], row["label"], 100.0)]})
    bad = SimpleNamespace(**{**vars(good), "status": "degenerate", "seed": 7})
    assert samples.predictions(facts(bad, good), store)[0]["run"].endswith("seed 0")
    assert samples.predictions(facts(bad), store)[0]["run"].endswith("seed 7")


def test_a_row_that_has_changed_since_is_left_out(store: ArtifactStore) -> None:
    row = load_rows(benchmarks.get("lab-inference"), "de", "test")[0]
    other = (row["label"] + 1) % 3
    assert samples.predictions(facts(scored(store, "lab-inference", {"de": [(row["id"], other, 0, 0.0)]})), store) == []


def test_rows_out_of_reach_cost_their_own_samples_alone(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path / "empty mirror"))
    row = load_rows(benchmarks.get("lab-inference"), "de", "test")[0]
    lost = scored(store, "xnli", {"de": [("0", 0, 0, 100.0)]})
    kept = scored(store, "lab-inference", {"de": [(row["id"], row["label"], row["label"], 100.0)]})
    assert [one["target"] for one in samples.predictions(facts(lost, kept), store)] == ["lab-inference"]
    assert "no samples of xnli" in caplog.text


def test_predictions_that_cannot_be_read_cost_their_own_samples_alone(
    store: ArtifactStore, caplog: pytest.LogCaptureFixture
) -> None:
    row = load_rows(benchmarks.get("lab-inference"), "de", "test")[0]
    answers: Any = {"de": [(row["id"], row["label"], row["label"], 100.0)]}
    damaged, kept = scored(store, "lab-inference:first9", answers), scored(store, "lab-inference", answers)
    artifact = store.find(damaged.score_stage)
    assert artifact is not None
    file = artifact.folder / FILE
    file.write_bytes(b"x" * file.stat().st_size)
    assert [one["target"] for one in samples.predictions(facts(damaged, kept), store)] == ["lab-inference"]
    assert "no samples of lab-inference:first9" in caplog.text


def test_many_languages_show_one_of_each(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "_MANY_LANGUAGES", 1)
    rows = load_rows(benchmarks.get("lab-inference"), "en", "test")[:4]
    own = [(row["id"], row["label"], row["label"], 100.0) for row in rows]
    shown = samples.predictions(facts(scored(store, "lab-inference", {"en": own, "de": own})), store)
    assert [one["language"] for one in shown] == ["en", "de"]


def _translation(language: str) -> Stage:
    settings = TranslateSettings(benchmark="lab-nli", data="pin", split="train", language=language, rows=40)
    return settings.stage(f"translate lab-nli to {language}")


def test_the_page_reads_directions_off_recorded_settings() -> None:
    recorded = _translation("en").settings | {"source": "de"}
    assert into("en", recorded) == "en from de" and into("de", _translation("de").settings) == "de"


def test_translations_stand_beside_their_sources(store: ArtifactStore) -> None:
    english = load_rows(benchmarks.get("lab-nli"), "en", "train", 40)
    stage = _translation("de")
    out = store.empty_out(stage.key)
    save_rows(
        [{**row, "first": row["first"].upper(), "second": row["second"].upper()} for row in english],
        out / "rows.parquet",
    )
    store.commit(stage, out, {"rows": len(english), "kept": len(english)}, "cpu", NOW)
    one = SimpleNamespace(benchmark="lab-nli", language="de", engine="shouting", stage=stage.key)
    shown = samples.translations(facts(translations=((one, "de"),)), store)
    assert len(shown) == 5 and len({row["source"] for row in shown}) == 5
    assert all(row["translation"] == row["source"].upper() and row["engine"] == "shouting" for row in shown)


def test_rows_left_out_are_counted_by_reason(store: ArtifactStore) -> None:
    stage = _translation("tr")
    facts = {"rows": 200, "kept": 190, "dropped": {"number lost": 3, "wrong script": 7}}
    store.commit(stage, store.empty_out(stage.key), facts, "cpu", NOW)
    made = [SimpleNamespace(benchmark="lab-nli", engine="e", stage=key) for key in (stage.key, "0" * 32)]
    assert translated.drops_of_study(made, store) == [
        {"benchmark": "lab-nli", "engine": "e", "language": "tr", "rows": 7, "percent": 3.5, "reason": "wrong script"},
        {"benchmark": "lab-nli", "engine": "e", "language": "tr", "rows": 3, "percent": 1.5, "reason": "number lost"},
    ]


@pytest.mark.parametrize("name", [one.name for one in kinds.KINDS.values() if one.decode or one.retrieval])
def test_every_kind_that_predicts_says_what_a_person_reads(name: str) -> None:
    kind = kinds.get(name)
    assert kind.shown and set(kind.shown) <= set(kind.fields)


def test_the_longest_texts_are_cut() -> None:
    assert translated.cut("a" * 300) == "a" * 300
    assert len(translated.cut("a " * 300)) <= 300 and translated.cut("a " * 300).endswith("…")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("xquad", ["one", "two"], "one | two"), ("xquad", "text", "text"), ("udpos", ["DET", "NOUN"], "DET NOUN")],
)
def test_spans_and_tags_read_as_they_are(name: str, value: Any, words: str) -> None:
    benchmark = benchmarks.BENCHMARKS[name]
    assert kinds.get(benchmark.kind).words(benchmark, {}, value, {}) == words
