"""Real data, where a mirror of it is named: every declaration against the rows that it describes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.data.mirror import holds
from xtransfer.base.errors import DataError
from xtransfer.benchmarks import BENCHMARKS, get
from xtransfer.benchmarks.spec import SPLITS, Benchmark
from xtransfer.data.corpora import evaluation_sentences, load_corpus
from xtransfer.data.load import load, load_rows, pin_rows
from xtransfer.data.row_names import normal
from xtransfer.data.source import mirrored

REAL = [benchmark for benchmark in BENCHMARKS.values() if benchmark.source.path != "lab"]


@pytest.mark.parametrize("benchmark", REAL, ids=[benchmark.name for benchmark in REAL])
def test_declaration_reads_the_real_rows(benchmark: Benchmark, hub_dir: Path) -> None:
    if mirrored(benchmark.source.path) is None:
        pytest.skip(f"the mirror has no {benchmark.source.path}")
    if benchmark.source.path.endswith("/tydiqa"):
        pytest.skip("the mirror has its test without answers and three languages of train: test_questions reads those")
    for split in SPLITS:
        held = [code for code in benchmark.languages_of(split) if holds(benchmark, split, code)]
        for code in held:
            loaded = load(benchmark, code, split)
            assert len(loaded.rows) >= 30
            if benchmark.kind != "neighbours":  # most texts of books for small children have fewer than three sentences
                assert sum(loaded.dropped.values()) < len(loaded.rows) / 20
            if benchmark.kind == "tags":
                tags = {tag for row in loaded.rows for tag in row["tags"]}
                assert len(benchmark.labels) * 0.6 < len(tags) and tags <= set(range(len(benchmark.labels)))
            elif benchmark.labels:
                assert {row["label"] for row in loaded.rows} == set(range(len(benchmark.labels)))
        if held:
            assert len(pin_rows(benchmark, split, held)) == 32


def test_labels_mean_what_they_say(hub_dir: Path) -> None:
    """One pair of known meaning from each source whose encoding differs."""
    known = {
        "ocnli": ("zh", "test", "0", 0),
        "rte3": ("de", "test", "1", 0),
        "cdsc-e": ("pl", "test", "17", 1),
        "inferes": ("es", "test", "6135", 2),
        "kobest-copa": ("ko", "test", "0", 1),
        "xwinograd": ("ja", "test", "0", 1),
        "sick-nl": ("nl", "train", "3", 0),
        "farstail": ("fa", "test", "0", 2),
    }
    for name, (code, split, number, label) in known.items():
        rows = {row["id"]: row for row in load_rows(get(name), code, split)}
        assert rows[number]["label"] == label, name


def test_xnli_is_parallel(hub_dir: Path) -> None:
    xnli = get("xnli")
    english = load_rows(xnli, "en", "test")
    assert len(english) == 5010
    for code in ("sw", "ur", "zh"):
        rows = load_rows(xnli, code, "test")
        assert [(row["id"], row["group"], row["label"]) for row in rows] == [
            (row["id"], row["group"], row["label"]) for row in english
        ]
    premises: dict[str, set[str]] = {}
    for row in english:
        premises.setdefault(row["group"], set()).add(row["first"])
    assert all(len(texts) == 1 for texts in premises.values())


def test_halves_of_lingnli_share_no_premise(hub_dir: Path) -> None:
    halves = [
        {normal(row["first"]) for split in ("train", "dev") for row in load_rows(get(name), "en", split)}
        for name in ("lingnli", "lingnli-b")
    ]
    assert not halves[0] & halves[1]
    assert min(len(half) for half in halves) > 2500


def test_hidden_test_labels_of_copa_are_refused(hub_dir: Path) -> None:
    copa = get("copa")
    hidden = replace(copa, source=replace(copa.source, splits={"test": "test"}))
    with pytest.raises(DataError, match="copa/en/test: labels are hidden"):
        load_rows(hidden, "en", "test")


def test_corpus_holds_no_evaluation_sentence(hub_dir: Path) -> None:
    corpus = load_corpus("mirror-text", num_texts=10_000, seed=0, languages=["sw", "et", "qu"])
    texts = [normal(text) for unit in corpus.texts for text in unit.values()]
    assert corpus.facts["dropped_evaluation"] > 0
    assert not evaluation_sentences().intersection(texts)
    assert {code for unit in corpus.texts for code in unit} == {"sw", "et", "qu"}
