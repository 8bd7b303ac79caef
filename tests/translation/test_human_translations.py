"""Rows that people translated: taken by their ids, checked by their labels, refused where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from xtransfer import benchmarks
from xtransfer.base.errors import DataError, RequestError
from xtransfer.data import load
from xtransfer.data.load import load_rows, read_rows
from xtransfer.planning import grid
from xtransfer.stages.execute import execute
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.study import make
from xtransfer.translation.human_translations import PEOPLE, human_rows, translated_by_people

SHORT = {"epochs": 1, "max_length": 64}
STUDY = {"name": "t", "encoders": ["lab-mini@0"], "targets": ["lab-inference"], "seeds": [0], "intermediate_rows": 24,
         "target_recipe": SHORT, "intermediate_recipe": SHORT}  # fmt: skip


def test_every_declared_translation_is_one() -> None:
    for name, splits in PEOPLE.items():
        for split, source in splits.items():
            assert benchmarks.get(source).kind == benchmarks.get(name).kind
            assert len(benchmarks.get(source).languages_of(split)) > 1


def test_a_stage_takes_the_rows(tmp_path: Path) -> None:
    study = make({**STUDY, "intermediates": ["lab-nli@de~parallel"]})
    (stage,) = [one for one in grid.plan(study).stages if one.kind == "translate"]
    assert not stage.inputs and stage.settings["people"]["benchmark"] == "lab-nli"
    artifact, _ = execute(stage, ArtifactStore(tmp_path))
    lab = benchmarks.get("lab-nli")
    assert read_rows(artifact.folder / "rows.parquet") == load_rows(lab, "de", "train", 24)
    facts = {
        name: value for name, value in artifact.manifest.facts.items() if name not in ("processor", "energy_joules")
    }
    assert facts == {"rows": 24, "kept": 24, "dropped_empty": 0, "dropped": {}}


@pytest.mark.parametrize(
    ("intermediate", "why"),
    [
        (
            "mnli@de~parallel",
            r"mnli has no human translations of its train rows in 'de' \(parallel has: .*xnli \(dev, test",
        ),
        ("mnli-dual@de~parallel", r"mnli-dual has no human translations of its train rows in 'de'"),
        ("lab-nli@it~parallel", r"lab-nli has no .*train rows in 'it'; it has them in en, de, fr, ru, tr, sw"),
        ("lab-nli@en~parallel", r"its train rows in 'en'"),
    ],
)
def test_what_nobody_translated_is_refused_when_planned(intermediate: str, why: str) -> None:
    with pytest.raises(RequestError, match=why):
        grid.plan(make({**STUDY, "intermediates": [intermediate]}))


def test_rows_that_are_not_the_same_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    english = [{"id": str(one), "label": one % 3, "first": "a", "second": "b"} for one in range(40)]
    german = [{**row, "first": "c"} for row in english[:39]]
    found = {"en": english, "de": german}
    monkeypatch.setattr(load, "load_rows", lambda benchmark, language, split, limit=None: found[language])
    rows, facts = human_rows("xnli", "de", "dev", None)
    assert rows == german and facts["dropped"] == {"no human translation": 1} and facts["kept"] == 39
    german[2] = {**german[2], "label": 1, "first": "NS"}
    rows, facts = human_rows("xnli", "de", "dev", None)
    assert german[2] not in rows and len(rows) == 38 and facts["dropped"]["label differs"] == 1
    german[:] = [{**row, "label": 0} for row in german]
    with pytest.raises(DataError, match=r"xnli/de/dev: of 40 en rows of xnli, 39 are found .*, and 13 of these"):
        human_rows("xnli", "de", "dev", None)
    german[:] = [{**row, "id": f"other {row['id']}"} for row in german]
    with pytest.raises(DataError, match=r"0 are found"):
        human_rows("xnli", "de", "dev", None)


@pytest.mark.usefixtures("hub_dir")
@pytest.mark.parametrize(
    ("benchmark", "split", "language", "rows"),
    [
        ("xnli", "dev", "sw", 2490),
        ("xnli", "test", "de", 5010),
        ("copa", "dev", "it", 100),
        ("xquad", "test", "zh", 1190),
        ("paws-x", "dev", "ja", 2000),
    ],
)
def test_real_translations_are_in_the_order_of_the_english_rows(
    benchmark: str, split: str, language: str, rows: int
) -> None:
    found, facts = human_rows(benchmark, language, split, None)  # type: ignore[arg-type]
    assert facts["rows"] == rows and 0.95 * rows < facts["kept"] <= rows
    english = {row["id"]: row for row in load_rows(benchmarks.get(benchmark), "en", split)}  # type: ignore[arg-type]
    assert all(row != english[row["id"]] for row in found[:50])
    if benchmark == "xquad":
        assert all((row["context"] and "answers" in row) or "answer_starts" in row for row in found[:5])


def test_copa_is_translated_as_xcopa() -> None:
    assert translated_by_people("copa", "it", "dev") == "xcopa"
    with pytest.raises(RequestError, match="no human translations of its train rows"):
        translated_by_people("copa", "it", "train")
