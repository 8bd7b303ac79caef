"""What every stage computes, at the size of seconds, against golden values.

A failure means that stored artifacts of this stage would no longer be what a new run makes. Then raise the stage's
version and write the new values: python -m tests.stages.test_golden
"""

from __future__ import annotations

import json
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from xtransfer.base.stage import Stage
from xtransfer.data.revisions import Pins
from xtransfer.lab import REVISION
from xtransfer.recipes.recipe import Recipe
from xtransfer.stages import STAGES
from xtransfer.stages.execute import execute
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.encoders import ENCODERS
from xtransfer.translation.engines import ENGINES

GOLDEN = Path(__file__).with_name("golden.json")
RECIPE = Recipe(steps=4, batch_size=8, learning_rate=5e-4, max_length=64, dropout=0.0).model_dump(mode="json")


def _stage(kind: str, settings: dict[str, Any], **inputs: Stage) -> Stage:
    keys = {name.replace("_", "-"): stage.key for name, stage in inputs.items()}
    return Stage(kind, STAGES[kind].version, f"golden {kind}", settings, keys)


def _stages() -> list[Stage]:
    """One stage of each kind, each reading what the ones before it made."""
    translation = {"name": "lab-translation", "pin": REVISION}
    pretraining = ENCODERS["lab-mini"].recipe.model_dump(mode="json") | {"steps": 4}
    marian = ENGINES["lab-marian"].recipe.deciding() | {"steps": 4}
    corpus = {"num_texts": 200, "languages": ["en", "de"], "seed": 0}
    pretrain = _stage("pretrain", {"corpus": {"name": "lab", "pin": REVISION}, "recipe": pretraining, **corpus})
    learnt = _stage("translator", {"corpus": translation, "recipe": marian | {"steps": 150}, **corpus})
    translator = _stage("translator", {"corpus": translation, "recipe": marian, **corpus})
    numbers = {"engine": None, "number_format": "int8", "ctranslate2": version("ctranslate2")}
    convert = _stage("convert", numbers, engine=translator)
    pins = Pins()
    rows = {"benchmark": "lab-nli", "language": "de", "data": pins.data("lab-nli", "train", ["de"])}
    translated = {**rows, "data": pins.data("lab-nli", "train", ["en", "de"])}
    translate = _stage("translate", {**translated, "split": "train", "rows": 12, "references": True}, engine=learnt)
    english = {"benchmark": "lab-nli", "data": pins.data("lab-nli", "train", ["en"]), "split": "train"}
    by_people = {"benchmark": "lab-nli", "data": rows["data"]}
    # by people: a model's rows pass their checks on one machine and not on another
    taken = {**english, "language": "de", "rows": 12, "references": False, "people": by_people}
    people = _stage("translate", taken)
    back = _stage("translator", {**translator.settings, "to": "en"})
    returned = _stage("round-trip", {**english, "source": "en", "language": "de"}, translation=people, engine=back)
    settings = {"encoder": None, "parts": [rows], "rows": 48, "recipe": RECIPE, "seed": 0, "dev": None}
    train = _stage("train", settings, start=pretrain)
    data = pins.data("lab-retrieval", "test", ["de"])
    scoring = {"benchmark": "lab-retrieval", "data": data, "split": "test", "languages": ["de"], "max_length": 64}
    # of each kind the last counts: a golden loss of four steps is the same on every machine
    scored = _stage("score", scoring, checkpoint=train)
    return [pretrain, learnt, back, translator, convert, people, translate, returned, train, scored]


def _outcome(stage: Stage, store: ArtifactStore) -> dict[str, Any]:
    artifact, _ = execute(stage, store)
    facts = artifact.manifest.facts
    if stage.kind == "score":
        return {"value": json.loads((artifact.folder / "scores.json").read_text())[0]["value"]}
    names = (
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
