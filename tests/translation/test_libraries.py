"""A library is added by an entry and a module; a study then names its runtime, and its models are converted and run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from tests.translation.tiny import make_marian
from xtransfer.base.errors import RequestError
from xtransfer.base.stage import Made, Stage
from xtransfer.data.load import read_rows
from xtransfer.planning import grid
from xtransfer.stages.execute import execute
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.stage_settings import ConvertSettings, TranslateSettings, TranslatorSettings
from xtransfer.study.study import make
from xtransfer.translation import benchmark
from xtransfer.translation.engine import ModelEngine
from xtransfer.translation.engines import get
from xtransfer.translation.libraries import LIBRARIES, Library, library_of, runtime_of, runtimes
from xtransfer.translation.model_loading import convert, model_digest, open_engine
from xtransfer.translation.model_tokenizer import ModelTokenizer
from xtransfer.translation.span_matching import Weights

STUDY = {
    "name": "translated",
    "encoders": ["lab-mini@0"],
    "intermediates": ["lab-nli@de~lab-marian.reversed"],
    "targets": ["lab-inference"],
    "seeds": [0],
    "intermediate_rows": 4,
    "intermediate_recipe": {"epochs": 1, "max_length": 64},
    "target_recipe": {"epochs": 1, "max_length": 64},
}


class ReversingEngine(ModelEngine):
    """Says the tokens of each sentence in reverse."""

    def __init__(self, folder: Path, name: str, device: str, beams: int) -> None:
        assert (folder / "weights.txt").read_text() == "reversed"
        super().__init__(folder, ModelTokenizer(folder, name), ("reverser", "1.0", beams))

    def generate(self, rows: Sequence[Sequence[int]], first: int | None) -> list[list[int]]:
        return [[*row[-2:0:-1], self.tokenizer.end] for row in rows]  # without >>de<< and the end

    def attend(self, rows: Sequence[Sequence[int]], first: int | None) -> list[tuple[list[int], Weights]]:
        raise NotImplementedError


def _convert(folder: Path, tokenizer: ModelTokenizer, runtime: str, out: Path) -> int:
    return (out / "weights.txt").write_text(runtime)


@pytest.fixture
def reverser(monkeypatch: pytest.MonkeyPatch) -> Library:
    module = ModuleType("reverser_engine")
    vars(module).update(open_engine=ReversingEngine, convert=_convert)
    monkeypatch.setitem(sys.modules, "reverser_engine", module)
    library = Library("reverser", ("reversed", "reversed_fast"), "reverser_engine", package="pytest")
    monkeypatch.setitem(LIBRARIES, "reverser", library)
    return library


def test_a_study_translates_with_a_library_added_from_outside(
    reverser: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "fault", lambda *asked, **more: None)  # reversed English would fail every check
    stages = [s for s in grid.plan(make(STUDY)).stages if s.kind in ("translator", "convert", "translate")]
    by_kind: dict[str, Stage] = {stage.kind: stage for stage in stages}
    settings = ConvertSettings.model_validate(by_kind["convert"].settings)
    assert (settings.number_format, settings.library_version) == ("reversed", pytest.__version__)
    assert by_kind["translate"].inputs == {"engine": by_kind["convert"].key}
    short = {**by_kind["translator"].settings, "num_texts": 40}
    short["recipe"] = {**short["recipe"], "steps": 1}
    translator = TranslatorSettings.model_validate(short).stage("short")
    conversion = settings.model_copy(update={"engine": Made(key=translator.key)}).stage("c")
    asked = TranslateSettings.model_validate(by_kind["translate"].settings)
    translation = asked.model_copy(update={"rows": 4, "engine": Made(key=conversion.key)}).stage("t")
    store = ArtifactStore(tmp_path)
    artifacts = [execute(stage, store)[0] for stage in (translator, conversion, translation)]
    assert artifacts[-1].manifest.facts["decoding"] == ["reverser", "1.0", 1]
    assert all(row["first"].startswith(".") for row in read_rows(artifacts[-1].folder / "rows.parquet"))


def test_a_runtime_chooses_its_library(reverser: Library) -> None:
    assert library_of("reversed_fast") is reverser and library_of("float16").name == "ctranslate2"
    assert {"reversed", "int8", "transformers"} <= set(runtimes())
    assert get("opus-mt.reversed").runtime == "reversed"  # type: ignore[union-attr]


def test_an_unknown_runtime_names_the_known_ones() -> None:
    with pytest.raises(RequestError, match=r"no runtime of opus-mt 'reversed'.*int8"):
        get("opus-mt.reversed")


def test_a_model_opens_in_the_library_that_it_was_converted_for(reverser: Library, tmp_path: Path) -> None:
    model, out = make_marian(tmp_path / "model"), tmp_path / "out"
    out.mkdir()
    assert runtime_of(model) == "transformers"
    convert(model, "reversed", pytest.__version__, out)
    assert runtime_of(out) == "reversed"
    assert isinstance(open_engine(out, "cpu", 1, tmp_path / "state"), ReversingEngine)
    before = model_digest(out)
    (out / "weights.txt").write_text("changed")
    assert model_digest(out) != before


def test_another_version_or_a_missing_library_is_refused(
    reverser: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RequestError, match=r"planned with reverser 0\.1, and this machine has"):
        convert(tmp_path, "reversed", "0.1", tmp_path)
    monkeypatch.setitem(LIBRARIES, "reverser", Library("reverser", ("reversed",), "reverser_engine"))
    with pytest.raises(RequestError, match="reverser is not installed: pip install reverser"):
        grid.plan(make(STUDY))
