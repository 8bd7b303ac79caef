"""Names of label ids in a file's metadata against those of the declaration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from tests.data.mirror import COLUMNS, PAIR
from xtransfer.base.errors import DataError
from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.data import hub
from xtransfer.data.class_names import class_names
from xtransfer.data.load import load_rows

SPLIT = "someone/things/de/train"
TAGS = Benchmark(
    name="tagged",
    kind="tags",
    languages=("de",),
    source=Source("someone/things", config="{language}", splits={"train": "train"}),
    columns={"tokens": "words", "tags": "ner"},
    labels=("O", "B-PER", "I-PER"),
    metric="tag_f1",
)


def _data(names: list[str]) -> Dataset:
    features = {**dict.fromkeys(("premise", "hypothesis"), Value("string")), "label": ClassLabel(names=names)}
    return Dataset.from_dict({name: COLUMNS[name] for name in features}, features=Features(features))


def _write(mirror: Path, data: Dataset, part: int = 0) -> None:
    file = mirror / f"{SPLIT}-{part:05}-of-00002.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    data.to_parquet(file)


def _labels(**changes: Any) -> list[int]:
    return [row["label"] for row in load_rows(replace(PAIR, **changes), "de", "train")]


def test_another_order_is_refused_with_both(mirror: Path) -> None:
    _write(mirror, _data(["contradiction", "entailment", "neutral"]))
    said = (
        "things/de/train, column 'label': the file's metadata names the ids 0 contradiction, 1 entailment, 2 neutral, "
        "and the declaration 0 entailment, 1 neutral, 2 contradiction; set labels in the file's order, or label_values"
    )
    with pytest.raises(DataError, match=said):
        _labels()
    assert _labels(labels=("contradiction", "entailment", "neutral")) == [0, 2, 1]
    assert _labels(label_values={0: 2, 1: 0, 2: 1}) == [2, 1, 0]
    with pytest.raises(DataError, match="and the declaration 0 contradiction, 1 neutral, 2 entailment"):
        _labels(label_values={0: 2, 1: 1, 2: 0})


def test_names_on_the_hub_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)
    monkeypatch.setattr(hub, "commit_of", lambda path, revision: "0" * 40)
    monkeypatch.setattr(hub, "read", lambda *_: _data(["contradiction", "entailment", "neutral"]))
    with pytest.raises(DataError, match="names the ids 0 contradiction"):
        _labels()


def test_the_same_order_and_other_words_are_taken(mirror: Path) -> None:
    for names in (["Entailment", "neutral ", "contradiction"], ["0", "1", "2"], ["ja", "vielleicht", "nein"]):
        _write(mirror, _data(names))
        assert _labels() == COLUMNS["label"]


def test_files_of_a_split_name_ids_alike(mirror: Path) -> None:
    _write(mirror, _data(["entailment", "neutral", "contradiction"]))
    _write(mirror, _data(["contradiction", "entailment", "neutral"]), part=1)
    with pytest.raises(DataError, match="its files name label ids differently"):
        _labels()


def test_tags_are_compared(mirror: Path) -> None:
    features = {"words": List(Value("string")), "ner": List(ClassLabel(names=["O", "I-PER", "B-PER"]))}
    _write(mirror, Dataset.from_dict({"words": [["a", "b"]], "ner": [[2, 1]]}, features=Features(features)))
    with pytest.raises(DataError, match="column 'ner': the file's metadata names the ids 0 O, 1 I-PER, 2 B-PER"):
        load_rows(TAGS, "de", "train")
    (row,) = load_rows(replace(TAGS, labels=("O", "I-PER", "B-PER")), "de", "train")
    assert row["tags"] == [2, 1]


@pytest.mark.parametrize("said", [b"", b"{", b"[]", b'{"info": null}', b'{"info": {"features": {"label": [7]}}}'])
def test_damaged_metadata_say_nothing(said: bytes) -> None:
    table = _data(["a", "b", "c"]).with_format("arrow")[:]
    assert class_names(table) == {"label": ("a", "b", "c")}
    assert class_names(table.replace_schema_metadata({b"huggingface": said})) == {}
