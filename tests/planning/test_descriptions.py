"""Descriptions before training: what is planned for an encoder, and that no test split is read."""

from __future__ import annotations

import json

import pytest

from tests.running import lab_study
from xtransfer.base.errors import RequestError
from xtransfer.planning.descriptions import descriptions, rows_seen

ENCODER = "lab-mini@0"


def test_parts_and_languages_are_described_once_and_without_test_rows() -> None:
    found = descriptions(
        ENCODER,
        ["direct", "lab-nli@en", "lab-nli@en+lab-nli@de"],
        [("lab-inference", "de"), ("lab-inference:dev", "de"), ("lab-inference", "en")],
        50,
    )
    described = [stage for stage in found.wanted.stages if stage.kind == "describe"]
    assert [stage.name.split(" for ")[0] for stage in described] == [
        "describe lab-nli@en train",
        "describe lab-nli@de train",
        "describe lab-inference@de dev",
        "describe lab-inference@en dev",
    ]
    assert {stage.settings["split"] for stage in described} == {"train", "dev"}
    assert '"test"' not in json.dumps([dict(stage.settings) for stage in described], default=str)
    assert found.intermediates["direct"] == ()
    assert found.intermediates["lab-nli@en"] == found.intermediates["lab-nli@en+lab-nli@de"][:1]
    assert found.targets["lab-inference", "de"] == found.targets["lab-inference:dev", "de"]
    assert {stage.key for stage in found.wanted.results} == {stage.key for stage in described}


def test_what_has_no_such_rows_is_left_out() -> None:
    found = descriptions(
        ENCODER, ["lab-nli@de~lab-marian", "nobody@en"], [("unknown", "de"), ("lab-inference", "zz")], 50
    )
    assert found.wanted.results == () and set(found.intermediates.values()) == {()} and found.targets == {}


def test_what_is_not_in_reach_is_left_out_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xtransfer.data.source.answers", lambda: False)
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)
    found = descriptions(ENCODER, ["xnli-people@en", "lab-nli@en"], [("ocnli", "zh")], 50)
    assert found.targets == {} and found.intermediates["xnli-people@en"] == () and found.intermediates["lab-nli@en"]


def test_another_number_of_rows_is_another_description() -> None:
    few, many = (descriptions(ENCODER, ["lab-nli@en"], [], rows) for rows in (50, 100))
    assert few.intermediates != many.intermediates


def test_the_rows_that_a_training_sees_are_known_before() -> None:
    names = ["direct", "lab-nli@en", "lab-nli@de~lab-marian", "lab-nli@en+lab-nli@de", "lab-nli@en>lab-nli@de"]
    study = lab_study(intermediates=names, intermediate_rows=96, intermediate_recipe={"epochs": 3})
    assert [*rows_seen(study).values()] == [288, 288, 576, 576] and "direct" not in rows_seen(study)
    by_steps = study.with_settings({"intermediate_recipe": {"steps": 10, "batch_size": 8}})
    assert [*rows_seen(by_steps).values()] == [80, 80, 80, 160]


def test_an_unknown_encoder_is_refused() -> None:
    with pytest.raises(RequestError, match="lab-nothing"):
        descriptions("lab-nothing@0", ["lab-nli@en"], [], 50)
