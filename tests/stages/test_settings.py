"""Settings of stages: what enters a key, what is recorded, and a kind of stage that is added from outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from tests.standin.odd import odd
from xtransfer.base.stage import SETTINGS, Made, StageKind, StageSettings, Work, identity, nothing, spelt_out
from xtransfer.recipes.dual import DualRecipe
from xtransfer.recipes.lora import LoraRecipe
from xtransfer.recipes.mixture import Sampling
from xtransfer.recipes.pooling import Pooling
from xtransfer.recipes.pretraining_recipe import PretrainingRecipe
from xtransfer.recipes.recipe import Recipe
from xtransfer.recipes.translator import TranslatorRecipe
from xtransfer.results.roles import roles
from xtransfer.stages import STAGES
from xtransfer.stages.execute import execute
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.stage_settings import ScoreSettings, TrainPart, TrainSettings

DEFAULTS = Path(__file__).with_name("defaults.json")
_OURS = [one for one in SETTINGS.values() if one.__module__.startswith("xtransfer.")]
_PARTS: list[type[BaseModel]] = [
    TrainPart, Recipe, LoraRecipe, DualRecipe, Sampling, Pooling, PretrainingRecipe, TranslatorRecipe
]  # fmt: skip

TRAINING = TrainSettings(
    start=Made(key="a"), parts=(TrainPart(benchmark="lab-nli", language="de", data="pin"),),
    recipe=Recipe(steps=4, source="a paper"), seed=1,
)  # fmt: skip


def _defaults() -> dict[str, Any]:
    return {
        one.__name__: {
            name: to_jsonable_python(info.get_default(call_default_factory=True))
            for name, info in one.model_fields.items()
            if not info.is_required()
        }
        for one in [*_OURS, *_PARTS]
    } | {"versions": {one.kind: one.version for one in _OURS}}


def test_a_default_changes_together_with_a_version() -> None:
    said = "a default changed, and results that were made with the old one would keep their keys: raise the version of "
    said += "each stage that reads it, then write the file anew: python -m tests.stages.test_settings"
    assert _defaults() == json.loads(DEFAULTS.read_text()), said


def test_a_new_field_keeps_the_keys_of_older_results() -> None:
    class Later(TrainSettings):
        kind: ClassVar[str] = "later"
        new: float = 0.5

    older = TRAINING.stage("train")
    later = Later.model_validate(TRAINING.model_dump())
    assert identity(later) == older.settings
    assert identity(later.model_copy(update={"new": 1.0})) == {**older.settings, "new": 1.0}


def test_what_is_recorded_names_every_value_but_the_source_of_a_recipe() -> None:
    stage = TRAINING.stage("train")
    recorded = spelt_out(stage)
    assert recorded["recipe"]["learning_rate"] == 2e-5 and "learning_rate" not in stage.settings["recipe"]
    assert "source" not in recorded["recipe"]
    assert TrainSettings.model_validate(recorded).stage("train").key == stage.key


def test_settings_of_another_version_are_not_read() -> None:
    assert TrainSettings.parsed({"parts": [], "width": 3}) is None
    assert ScoreSettings.of(TRAINING.stage("train")) is None


class CountSettings(StageSettings):
    """Counts to a number after another stage."""

    kind: ClassVar[str] = "count"
    role: ClassVar[str] = "counting"

    to: int
    after: Made


def _count(settings: CountSettings, work: Work) -> dict[str, Any]:
    (work.out / "counted.txt").write_text(" ".join(map(str, range(settings.to))))
    return {"counted": settings.to, "after": work.folder(settings.after).joinpath("made.txt").read_text()}


def test_a_kind_of_stage_is_added_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STAGES, "count", StageKind(CountSettings, _count, nothing, seconds=1))  # and that is all
    first = odd("first")
    stage = CountSettings(to=3, after=Made(key=first.key)).stage("count to 3")
    store = ArtifactStore(tmp_path)
    execute(first, store)
    artifact, _ = execute(stage, store)
    assert artifact.manifest.facts["after"] == "first on cpu"
    assert spelt_out(artifact.manifest) == {"to": 3, "after": {"key": first.key}}
    score = ScoreSettings(
        checkpoint=Made(key=stage.key), benchmark="lab-nli", data="pin", split="test", languages=("en",), max_length=8
    ).stage("score")
    found = roles([first, artifact.manifest, score], score.key, 0)
    assert {key: role.name for key, role in found.items()} == {
        first.key: "odd", stage.key: "counting", score.key: "score"
    }  # fmt: skip


if __name__ == "__main__":
    DEFAULTS.write_text(json.dumps(_defaults(), indent=1) + "\n")
