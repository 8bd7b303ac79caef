"""The stage `translate`, with an engine that knows people's translations and loses some sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from xtransfer import benchmarks
from xtransfer.base.stage import HubModel, no_progress
from xtransfer.data.load import load_rows, read_rows
from xtransfer.data.revisions import Pins
from xtransfer.stages.execute import execute
from xtransfer.store.artifacts import Artifact, ArtifactStore
from xtransfer.study.stage_settings import ROWS, TranslateSettings
from xtransfer.translation import model_loading

LAB = benchmarks.get("lab-inference")


class Double:
    """Translates the laboratory's sentences by looking them up; those of `lost` come back empty."""

    decoding = ("double",)

    def __init__(self, lost: frozenset[str] = frozenset()) -> None:
        self.lost = lost

    def translate(self, sentences: Sequence[str], source: str, target: str, progress: Any = no_progress) -> list[str]:
        known: dict[str, str] = {}
        for split in ("train", "test"):
            pairs = zip(load_rows(LAB, source, split), load_rows(LAB, target, split), strict=True)  # type: ignore[arg-type]
            known |= {ours[field]: theirs[field] for ours, theirs in pairs for field in ("first", "second")}
        return ["" if one in self.lost else known.get(one, "") for one in sentences]


def _run(folder: Path, engine: Double, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Artifact:
    monkeypatch.setattr(model_loading, "open_engine", lambda *given: engine)
    source = settings.get("source", "en")
    data = Pins().data(LAB.name, settings["split"], [source, settings["language"]])
    given = HubModel(id="double", revision="0" * 40)
    values = {"benchmark": LAB.name, "data": data, "references": True, "engine": given, **settings}
    return execute(TranslateSettings.model_validate(values).stage("translate"), ArtifactStore(folder))[0]


def test_dropped_rows_are_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_rows(LAB, "en", "train", 48)
    lost = frozenset(row["first"] for row in first[:3])
    made = _run(tmp_path, Double(lost), monkeypatch, split="train", language="de", rows=48)
    rows, facts = read_rows(made.folder / ROWS), made.manifest.facts
    english = {row["id"]: row for row in load_rows(LAB, "en", "train")}
    assert len(rows) == facts["kept"] == len(first) < facts["rows"]
    assert all(english[row["id"]]["first"] not in lost for row in rows)
    assert facts["rows"] - facts["kept"] == sum(facts["dropped"].values())
    assert {row["id"] for row in first if row["first"] not in lost} < {row["id"] for row in rows}


def test_later_rows_are_taken_where_all_of_the_first_are_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = frozenset(row["first"] for row in load_rows(LAB, "en", "train", 48))
    made = _run(tmp_path, Double(lost), monkeypatch, split="train", language="de", rows=48)
    assert made.manifest.facts["kept"] == 48


def test_all_rows_are_those_that_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = load_rows(LAB, "en", "train")
    made = _run(tmp_path, Double(frozenset([every[0]["first"]])), monkeypatch, split="train", language="de", rows=None)
    assert len(read_rows(made.folder / ROWS)) == made.manifest.facts["kept"] < len(every)


def test_test_rows_are_translated_to_english_and_nothing_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    german = load_rows(LAB, "de", "test", 48)
    lost = frozenset([german[0]["second"]])
    made = _run(tmp_path, Double(lost), monkeypatch, split="test", source="de", language="en", rows=48)
    wanted = [row for row in load_rows(LAB, "en", "test", 48) if row["id"] in _kept(german, lost)]
    assert read_rows(made.folder / ROWS) == wanted and made.manifest.facts["rows"] == 48


def _kept(rows: Sequence[dict[str, Any]], lost: frozenset[str]) -> set[str]:
    return {row["id"] for row in rows if not {row["first"], row["second"]} & lost}
