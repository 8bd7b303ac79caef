"""Models of many languages: told the languages as their own tokenizers tell them, read from a folder or a hub."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES as M2M100_CODES
from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES as NLLB_CODES

from tests.standin.hub import Hub
from tests.standin.process import run
from tests.translation.many_to_many import make_m2m100, make_nllb
from xtransfer.base.errors import RequestError
from xtransfer.base.languages import LANGUAGES
from xtransfer.base.stage import Stage
from xtransfer.planning import grid
from xtransfer.study.study import make
from xtransfer.translation.engines import ENGINES, HubEngine
from xtransfer.translation.model_tokenizer import FAMILIES
from xtransfer.translation.sentences import joined
from xtransfer.translation.transformers_engine import TransformersEngine

torch.set_num_threads(1)
MAKERS: dict[str, Callable[[Path], Path]] = {"nllb": make_nllb, "m2m100": make_m2m100}
ASKED = ["the red house", "the blue tree and the red tree", "the red house"]


@pytest.fixture(scope="module", params=MAKERS)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(family: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MAKERS[family](tmp_path_factory.mktemp(family))


def theirs(folder: Path, family: str, text: str, target: str, beams: int) -> str:
    """What the library itself makes of a sentence, asked as its documentation says."""
    tokenizer = AutoTokenizer.from_pretrained(folder, src_lang={"nllb": "eng_Latn", "m2m100": "en"}[family])
    model = AutoModelForSeq2SeqLM.from_pretrained(folder)
    inputs = tokenizer(text, return_tensors="pt")
    first = tokenizer.convert_tokens_to_ids(FAMILIES[family][target])
    longest = min(63, 2 * inputs["input_ids"].shape[1] + 10)  # the model has 64 positions
    made = model.generate(**inputs, forced_bos_token_id=first, num_beams=beams, do_sample=False, max_new_tokens=longest)
    assert made[0, 1] == first
    return str(tokenizer.decode(made[0, 2:], skip_special_tokens=True).strip())


@pytest.mark.parametrize("beams", [1, 4])
def test_the_same_as_the_library_makes(folder: Path, family: str, beams: int) -> None:
    engine = TransformersEngine(folder, beams=beams)
    made = {code: [engine.translate([one], "en", code)[0] for one in ASKED] for code in ("de", "fr", "zh")}
    for target, outputs in made.items():
        assert outputs == [theirs(folder, family, text, target, beams) for text in ASKED]
    assert len({tuple(outputs) for outputs in made.values()}) == 3, "the target language changes what is said"
    assert engine.translate(ASKED[:1], "fr", "de") != engine.translate(ASKED[:1], "en", "de"), "so does the source"


def test_what_a_model_can_do_is_what_its_tokenizer_knows(folder: Path, family: str) -> None:
    able = TransformersEngine(folder).directions
    assert set(able.targets) == set(FAMILIES[family]) == set(able.sources)
    with pytest.raises(RequestError, match=r"from .*en.* to .*de.*, not from en to la"):
        TransformersEngine(folder).translate(["a"], "en", "la")
    with pytest.raises(RequestError, match="not from en to en"):
        TransformersEngine(folder).translate(["a"], "en", "en")


@pytest.mark.parametrize("times", [2, 20])
def test_texts_are_translated_sentence_by_sentence(folder: Path, times: int) -> None:
    engine = TransformersEngine(folder)
    sentence = "the red house and the blue tree."
    text = " ".join([sentence] * times)
    (whole,) = engine.translate([text], "en", "de")
    (one,) = engine.translate([sentence], "en", "de")
    assert one and whole == " ".join([one] * times)
    assert engine.translate([text], "en", "zh") == ["".join(engine.translate([sentence], "en", "zh") * times)]


def test_a_text_is_never_translated_in_part(folder: Path) -> None:
    engine = TransformersEngine(folder)  # positions for 64 tokens
    assert engine.translate(["the red house. " * 5 + "the blue tree " * 60], "en", "de") == [""]
    assert joined(["ja", ""], "de") == ""


@pytest.mark.parametrize(
    ("name", "published"), [("m2m100", [f"__{code}__" for code in M2M100_CODES["m2m100"]]), ("nllb", NLLB_CODES)]
)
def test_every_language_that_a_family_has_is_declared(name: str, published: Sequence[str]) -> None:
    tokens = FAMILIES[name]
    assert set(tokens.values()) <= set(published) and len(set(tokens.values())) == len(tokens)
    assert set(tokens) <= set(LANGUAGES)
    if name == "m2m100":
        assert set(tokens) == {code for code in LANGUAGES if f"__{code}__" in published}


def test_no_translator_is_taken_for_one(tmp_path: Path) -> None:
    folder = make_nllb(tmp_path / "model")
    tokens = json.loads((folder / "tokenizer.json").read_text())
    for token in tokens["added_tokens"]:
        token["content"] = token["content"].replace("_", "-")
    (folder / "tokenizer.json").write_text(json.dumps(tokens))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    with pytest.raises(RequestError, match="no language tokens such as __de__ or deu_Latn"):
        TransformersEngine(folder)


def test_weights_of_another_model_are_refused(folder: Path, family: str, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"decoder_layers": 2}))
    with pytest.raises(RequestError, match=r"lack .* tensors"):
        TransformersEngine(copy)


def test_a_pickle_is_refused_with_what_to_do(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(RequestError, match=r"only weights are pickles \(pytorch_model.bin\).*AutoModelForSeq2SeqLM"):
        TransformersEngine(copy)


STUDY = {
    "name": "translated",
    "encoders": ["lab-mini@0"],
    "intermediates": ["lab-nli@sw~nllb-200-distilled-600m"],
    "targets": ["lab-inference"],
    "seeds": [0],
    "intermediate_rows": 4,
    "intermediate_recipe": {"epochs": 1, "max_length": 64},
    "target_recipe": {"epochs": 1, "max_length": 64},
}
PROGRAM = """
import json, sys
from pathlib import Path
from xtransfer.planning import grid
from xtransfer.stages.execute import execute
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.study import make
from xtransfer.translation import benchmark
benchmark.fault = lambda *asked, **more: None  # what an untrained model says would fail every check
stages = [one for one in grid.plan(make(json.loads(sys.argv[1]))).stages if one.kind in ("convert", "translate")]
artifacts = [execute(stage, ArtifactStore(Path(sys.argv[2])))[0] for stage in stages]
print(json.dumps([[stage.settings for stage in stages], artifacts[-1].manifest.facts]))
"""


def test_a_stage_translates_with_a_model_of_a_hub(tmp_path: Path) -> None:
    engine = ENGINES["nllb-200-distilled-600m"]
    assert isinstance(engine, HubEngine)
    model = make_nllb(tmp_path / "model", positions=512)
    with Hub() as hub:
        files = {path.name: path.read_bytes() for path in model.iterdir()}
        commit = hub.add("models", engine.id, {**files, "pytorch_model.bin": b"a program"}, (engine.revision,))
        said = run(hub, tmp_path / "process", PROGRAM, json.dumps(STUDY), str(tmp_path / "store"))
        fetched = [path for _, path in hub.requests if "/resolve/" in path]
    (converted, settings), facts = json.loads(said.splitlines()[-1])
    assert converted["engine"] == {"id": engine.id, "revision": commit} and "key" in settings["engine"]
    assert settings["beams"] == 4 and converted["number_format"] == "int8"
    assert facts["decoding"] == ["ctranslate2", converted["library_version"], "int8_float32", 4]
    assert facts["rows"] == 12 and facts["sentences"] == 24 and facts["compared"] > 0  # a whole block of rows
    assert fetched and all(commit in path for path in fetched)
    assert not any("pytorch_model" in path for path in fetched)


def _stages(engine: str, language: str) -> dict[str, Stage]:
    study = make({**STUDY, "intermediates": [f"lab-nli@{language}~{engine}"]})
    return {one.kind: one for one in grid.plan(study).stages if one.kind in ("translator", "convert", "translate")}


def _translate(engine: str, language: str) -> Stage:
    return _stages(engine, language)["translate"]


def test_an_engine_of_a_mirror_is_pinned_to_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_m2m100(tmp_path / "facebook" / "m2m100_418M")
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path))
    stages = _stages("m2m100-418m", "sw")
    converted, stage = stages["convert"], stages["translate"]
    assert converted.places == {converted.settings["engine"]["digest"]: str(folder)}
    assert stage.inputs == {"engine": converted.key} and not stage.places
    assert converted.key == _stages("m2m100-418m", "ru")["convert"].key, "one conversion for all languages"
    assert _translate("m2m100-418m.transformers", "sw").places == converted.places
    assert stage.key != _translate("m2m100-418m", "ru").key
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"note": "another"}))
    assert stage.key != _translate("m2m100-418m", "sw").key


@pytest.mark.parametrize(("engine", "language"), [("m2m100-418m", "qu"), ("opus-mt", "sw"), ("opus-mt", "en")])
def test_a_language_that_an_engine_lacks_is_refused_when_planned(engine: str, language: str) -> None:
    with pytest.raises(RequestError, match=rf"lab-nli@{language}~{engine}.*translates to .*de"):
        grid.plan(make({**STUDY, "intermediates": [f"lab-nli@{language}~{engine}"]}))


def test_what_a_study_needs_names_its_engines() -> None:
    from xtransfer.planning.needs import of_study

    needs = of_study(make({**STUDY, "intermediates": ["lab-nli@de~opus-mt", "lab-nli@fr~opus-mt"]}))
    assert needs.engines == ("Helsinki-NLP/opus-mt-en-de@main", "Helsinki-NLP/opus-mt-en-fr@main")
    assert needs.encoders == ("lab-mini@0",)


def test_how_an_engine_computes_is_part_of_what_it_makes() -> None:
    ways = ("lab-marian", "lab-marian.int8", "lab-marian.float32", "lab-marian.int8_float16")
    stages = [_stages(way, "de") for way in ways]
    assert len({one["translator"].key for one in stages}) == 1 and len({one["translate"].key for one in stages}) == 4
    assert "convert" not in stages[0] and stages[1]["convert"].settings["number_format"] == "int8"
    assert stages[1]["convert"].inputs == {"engine": stages[0]["translator"].key}
    for wrong in ("lab-marian.int4", "parallel.int8", "unheard-of.int8", "unheard-of"):
        with pytest.raises(RequestError, match=r"lab-nli@de~.*no (runtime|translation engine)"):
            _translate(wrong, "de")


def test_engines_tell_what_they_are() -> None:
    for engine in ENGINES.values():
        assert engine.description and set(engine.languages) <= set(LANGUAGES)
        if isinstance(engine, HubEngine):
            assert engine.licence and engine.beams > 0 and engine.model("en", "de").endswith(f"@{engine.revision}")


def test_a_marian_pair_may_come_with_sentencepiece_files(tmp_path: Path) -> None:
    from xtransfer.base.model_files import files_of

    for name in ("source.spm", "target.spm", "vocab.json", "code.py"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in files_of(tmp_path)] == ["source.spm", "target.spm", "vocab.json"]
