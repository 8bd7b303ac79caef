"""What a stage reads from outside the store is what its plan was pinned to, or its result is not kept."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.data.mirror import write
from tests.standin.loose import Loose
from tests.training.tiny import make_encoder
from tests.translation.many_to_many import make_m2m100
from xtransfer.base.errors import SourceError, StageError
from xtransfer.base.hub_files import check_fetched
from xtransfer.base.model_files import model_digest
from xtransfer.base.stage import FolderModel, HubModel, Stage, StageKind, Work, nothing
from xtransfer.data import pinned
from xtransfer.data.revisions import Pins
from xtransfer.planning import grid
from xtransfer.recipes.recipe import Recipe
from xtransfer.stages import STAGES
from xtransfer.stages.execute import execute
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.stage_settings import TrainPart, TrainSettings
from xtransfer.study.study import make

CHANGED = "changed since the study was planned"
MID_STAGE = "changed while this stage read it"
STUDY = {
    "name": "pinned",
    "intermediates": ["direct"],
    "seeds": [0],
    "intermediate_rows": 4,
    "intermediate_recipe": {"epochs": 1, "max_length": 64},
    "target_recipe": {"steps": 1, "batch_size": 2, "max_length": 64},
}


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "store")


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    return make_encoder(tmp_path / "hub" / "org" / "tiny", positions=66)


def planned(kind: str, **study: Any) -> Stage:
    return next(stage for stage in grid.plan(make({**STUDY, **study})).stages if stage.kind == kind)


def refuse(stage: Stage, store: ArtifactStore, said: str) -> None:
    with pytest.raises(StageError, match=said) as refused:
        execute(stage, store)
    assert "run the study again" in str(refused.value) and refused.value.tries_more == 0
    assert store.find(stage.key) is None
    assert not list((store.root / ".partial").glob("*/out"))


def edit(file: Path) -> None:
    """Another last byte, the same size, and the earlier time of modification."""
    state, content = file.stat(), file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))


@pytest.mark.parametrize("kind", ["train", "score"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_an_encoder_that_was_edited_after_planning_is_refused(
    kind: str, mirrored: bool, encoder: Path, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(encoder.parent.parent))
    named = "org/tiny" if mirrored else str(encoder)
    read = "start" if kind == "train" else "checkpoint"
    targets = ["lab-inference"] if kind == "train" else ["lab-retrieval"]
    stage = planned(kind, encoders=[named], targets=targets)
    kept = Path(shutil.copytree(encoder, encoder.parent.parent.parent / "kept"))
    edit(encoder / "model.safetensors")
    refuse(stage, store, rf"{read} .*org/tiny.*{CHANGED} \(files were edited")
    shutil.copyfile(kept / "model.safetensors", encoder / "model.safetensors")
    assert execute(stage, store)[0].manifest.settings[read]["digest"] == model_digest(kept)
    shutil.rmtree(encoder)
    refuse(replace(stage, version=99), store, f"{CHANGED} .it no longer exists")


@pytest.mark.parametrize(("engine", "kind"), [("m2m100-418m", "convert"), ("m2m100-418m.transformers", "translate")])
def test_an_engine_that_was_edited_after_planning_is_refused(
    engine: str, kind: str, tmp_path: Path, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_m2m100(tmp_path / "hub" / "facebook" / "m2m100_418M")
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path / "hub"))
    asked = {"encoders": ["lab-mini@0"], "intermediates": [f"lab-nli@sw~{engine}"], "targets": ["lab-inference"]}
    stage = planned(kind, **asked)
    edit(folder / "model.safetensors")
    refuse(stage, store, f"engine {folder}.*{CHANGED}")


@pytest.mark.parametrize("kind", ["pretrain", "translator"])
def test_a_corpus_that_was_edited_after_planning_is_refused(
    kind: str, tmp_path: Path, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path))
    columns = {"id": ["0", "1"], "lang": ["en", "en"], "text": ["the red house", "a blue tree"]}
    write(tmp_path, "local/text-some/default/train", columns)
    corpus = {"name": "mirror-text", "pin": Pins().corpus("mirror-text")}
    languages = ["en"] if kind == "translator" else None
    settings = {"corpus": corpus, "num_texts": 2, "languages": languages, "seed": 0, "recipe": {}}
    write(tmp_path, "local/text-some/default/train", {**columns, "text": ["the red ship", "a blue tree"]})
    refuse(Stage(kind, STAGES[kind].version, kind, settings), store, f"corpus 'mirror-text'.*{CHANGED}")


def _edited(folder: Path) -> None:
    edit(folder / "model.safetensors")


def _restored(folder: Path) -> None:
    edit(folder / "model.safetensors")
    edit(folder / "model.safetensors")


def _replaced(folder: Path) -> None:
    kept = shutil.copy2(folder / "model.safetensors", folder.parent / "kept")
    Path(kept).replace(folder / "model.safetensors")


def _removed(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _added(folder: Path) -> None:
    (folder / "added_tokens.json").write_text("{}")


@pytest.mark.parametrize("change", [_edited, _restored, _replaced, _removed, _added])
@pytest.mark.parametrize("long", [False, True])
def test_a_folder_that_changes_while_a_stage_runs_leaves_nothing(
    change: Callable[[Path], None], long: bool, encoder: Path, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    went_on = []

    def run(settings: Loose, work: Work) -> dict[str, Any]:
        (work.state / "course.pt").write_text("made from other weights")
        change(encoder)
        work.progress("trains", 1, 2)
        went_on.append(1)
        return {}

    monkeypatch.setattr(pinned, "_BETWEEN_LOOKS", -1.0 if long else 60.0)
    monkeypatch.setitem(STAGES, "loose", StageKind(Loose, run, nothing, seconds=1))
    digest = model_digest(encoder)
    stage = Loose(encoder=FolderModel(digest=digest)).stage("something odd", {digest: str(encoder)})
    refuse(stage, store, CHANGED if change is _added else MID_STAGE)
    assert not store.state(stage.key).exists() and bool(went_on) is not long


def test_what_loading_does_not_read_makes_no_other_encoder(encoder: Path) -> None:
    before = model_digest(encoder)
    (encoder / "README.md").write_text("what it is")
    (encoder / "trainer_state.json").write_text("{}")
    (encoder / "runs").mkdir()
    (encoder / "runs" / "config.json").write_text("{}")
    assert model_digest(encoder) == before
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"):
        content = (encoder / name).read_bytes()
        (encoder / name).write_bytes(content + b" ")
        assert model_digest(encoder) != before, name
        (encoder / name).write_bytes(content)
    assert model_digest(encoder) == before


def test_further_metrics_are_of_the_score_stage_alone(encoder: Path, store: ArtifactStore) -> None:
    study = {"encoders": [str(encoder)], "targets": ["lab-parallel"]}
    stage = planned("score", **study)
    assert stage.settings["also"] == ["p@3", "p@10"]
    edited = replace(stage, settings={**stage.settings, "also": ["p@3"]})
    assert edited.key != stage.key
    refuse(edited, store, f"further metrics .*{CHANGED}")


def test_rows_that_change_while_a_stage_runs_leave_nothing(
    tmp_path: Path, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.py"
    own.write_text(
        "from xtransfer.benchmarks.spec import Benchmark, Source\n"
        'OWN = Benchmark("rows-of-mine", "pair", ("en",), Source("./rows", splits={"train": "train"}),\n'
        '    {"first": "a", "second": "b", "label": "c"}, "accuracy", labels=("x", "y"))\n'
    )
    file = tmp_path / "rows" / "train.csv"
    file.parent.mkdir()
    file.write_text("a,b,c\nred,blue,0\nblue,red,1\n")
    monkeypatch.setenv("XTRANSFER_BENCHMARKS", str(own))

    def run(settings: TrainSettings, work: Work) -> dict[str, Any]:
        edit(file)
        return {}

    kind = StageKind(TrainSettings, run, STAGES["train"].reads, seconds=1)
    monkeypatch.setitem(STAGES, "train", kind)
    part = TrainPart(benchmark="rows-of-mine", language="en", data=Pins().data("rows-of-mine", "train", ["en"]))
    settings = TrainSettings(start=HubModel(id="x", revision="y"), parts=(part,), recipe=Recipe(steps=1), seed=0)
    stage = settings.stage("train rows-of-mine")
    refuse(stage, store, f"train.csv {MID_STAGE}")
    refuse(stage, store, f"rows-of-mine/train.*{CHANGED}")


def test_an_edited_file_of_the_hubs_cache_is_refused(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "commit"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    names = {
        "config.json": "9e26dfeeb6e641a33dae4961196235bdb965b21b",  # as `git hash-object` names it
        "vocab.txt": "bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f",  # its SHA-1
        "model.safetensors": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",  # its SHA-256
    }
    for name, blob in names.items():
        (blobs / blob).write_text("{}")
        (snapshot / name).symlink_to(blobs / blob)
    (snapshot / "tokenizer.json").write_text("a copy, of which nothing is known")
    check_fetched(snapshot.iterdir())
    for name, blob in names.items():
        (blobs / blob).write_text("[]")
        with pytest.raises(SourceError, match=rf"{name}: changed or damaged.*delete .*{blob}"):
            check_fetched(snapshot.iterdir())
        (blobs / blob).write_text("{}")
