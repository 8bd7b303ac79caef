"""The declaration of a watch: from YAML, what is wrong with one, and the study that it makes of a checkpoint."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.training.tiny import make_encoder
from xtransfer.base import declared
from xtransfer.base.errors import RequestError
from xtransfer.watch.watch import Watch

MINE: dict[str, Any] = {"name": "mine", "sources": ["/runs/*"], "evaluate": {"targets": ["lab-inference"]}}


def test_from_yaml_with_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "watch.yaml").write_text(
        "name: nightly\nsources: [runs/*/checkpoint-*, 's3://bucket/*', 'hf://someone/model@dev']\n"
        "study: studies/mine.yaml\nsettings: {seeds: [1]}\nsince: 2026-11-01\nat_once: 2\n"
    )
    found = declared.read(Watch, Path("watch.yaml"))
    assert found.sources == (f"{tmp_path}/runs/*/checkpoint-*", "s3://bucket/*", "hf://someone/model@dev")
    assert found.study == f"{tmp_path}/studies/mine.yaml" and found.since == datetime(2026, 11, 1, tzinfo=UTC)
    assert Watch.model_validate(found.model_dump(mode="json")) == found  # as it goes through a form or an event


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "Mine"}, "lower-case"),
        ({"sources": []}, "sources"),
        ({"sources": ["sftp://me:secret@host/runs/*"]}, r"sftp://me:\*\*\*@host/runs/\*': put user and password"),
        ({"evaluate": None}, "either 'evaluate'"),
        ({"study": "lab"}, "either 'evaluate'"),
        ({"small": True}, "need 'study'"),
        ({"every": 5}, "known: name, sources, evaluate"),
        ({"at_once": 0}, "at_once"),
        ({"evaluate": {"targets": []}}, "evaluate.targets"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        declared.make(Watch, {**MINE, **change}, "watch")


def test_the_study_of_a_checkpoint(tmp_path: Path) -> None:
    folder = str(make_encoder(tmp_path / "Checkpoint-7"))
    made = declared.make(Watch, {**MINE, "evaluate": {**MINE["evaluate"], "languages": ["de"], "seeds": [3]}}, "watch")
    name = made.study_name(folder, "0123456789abcdef")
    assert name == "mine-checkpoint-7-01234567"
    study = made.study_for(folder, name)
    assert (study.name, study.encoders, study.seeds, study.languages) == (name, (folder,), (3,), ("de",))
    named = declared.make(
        Watch, {**MINE, "evaluate": None, "study": "lab", "small": True, "settings": {"seeds": [4]}}, "watch"
    )
    study = named.study_for(folder, name)
    assert (study.name, study.encoders, study.seeds) == (name, (folder,), (4,)) and len(study.intermediates) == 2
    assert made.study_name("hf://someone/Model@0123", "ff" * 16) == "mine-model-ffffffff"


def test_a_study_that_is_not_there_is_an_error_at_once() -> None:
    with pytest.raises(RequestError, match="no study 'lap'; did you mean 'lab'"):
        declared.make(Watch, {**MINE, "evaluate": None, "study": "lap"}, "watch").study_for("lab-mini@0", "x")
