"""CTranslate2 says what transformers says, and never computes in another format than it was asked for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from tests.translation.many_to_many import make_m2m100, make_nllb
from tests.translation.tiny import make_marian
from xtransfer.base.errors import RequestError
from xtransfer.data.corpora import load_texts
from xtransfer.translation.ctranslate2_engine import CTranslate2Engine, compute_type
from xtransfer.translation.libraries import is_converted
from xtransfer.translation.model_loading import convert
from xtransfer.translation.transformers_engine import TransformersEngine

torch.set_num_threads(1)
VERSION = __import__("ctranslate2").__version__
MAKERS = {"marian": make_marian, "nllb": make_nllb, "m2m100": make_m2m100}
ASKED = ["the red house", "the blue tree and the red tree", "the tree", "the red house"]


@pytest.fixture(scope="module", params=MAKERS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MAKERS[request.param](tmp_path_factory.mktemp(request.param) / "model")


@pytest.fixture(scope="module")
def marian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_marian(tmp_path_factory.mktemp("marian") / "model")


def converted(folder: Path, out: Path, number_format: str = "float32") -> Path:
    out.mkdir(parents=True)
    convert(folder, number_format, VERSION, out)
    return out


def english() -> list[str]:
    return [one["en"] for one in load_texts("lab-translation", num_texts=40, seed=1, languages=("en",))]


def test_the_same_as_transformers_in_float32(folder: Path, tmp_path: Path) -> None:
    theirs = TransformersEngine(folder)
    ours = CTranslate2Engine(converted(folder, tmp_path / "ours"))
    assert ours.directions == theirs.directions
    for target in ("de", "tr"):
        made = ours.translate(ASKED, "en", target)
        assert made == theirs.translate(ASKED, "en", target)
        assert any(made) and made[0] == made[3]
    assert ours.translate(ASKED, "en", "de") != ours.translate(ASKED, "en", "tr")
    with pytest.raises(RequestError, match="not from en to la"):
        ours.translate(ASKED, "en", "la")


@pytest.mark.parametrize("beams", [1, 4])
def test_finished_sentences_agree_with_beam_search_too(marian: Path, tmp_path: Path, beams: int) -> None:
    theirs = TransformersEngine(marian, beams=beams)
    ours = CTranslate2Engine(converted(marian, tmp_path / "ours"), beams=beams)
    made, wanted = ours.translate(english(), "en", "de"), theirs.translate(english(), "en", "de")
    same = sum(one == two for one, two in zip(made, wanted, strict=True))
    assert same >= 0.9 * len(made), "what never ends depends on its limit"


def test_int8_is_small_and_says_nearly_the_same(marian: Path, tmp_path: Path) -> None:
    exact, small = converted(marian, tmp_path / "exact"), converted(marian, tmp_path / "small", "int8")
    sizes = [(one / "ctranslate2" / "model.bin").stat().st_size for one in (exact, small)]
    assert sizes[1] < 0.5 * sizes[0]
    engine = CTranslate2Engine(small)
    assert engine.compute_type == "int8_float32" and is_converted(small) and not is_converted(marian)
    made, wanted = engine.translate(english(), "en", "de"), CTranslate2Engine(exact).translate(english(), "en", "de")
    assert sum(one == two for one, two in zip(made, wanted, strict=True)) > 0.5 * len(made)


def test_neither_order_nor_company_changes_an_output(marian: Path, tmp_path: Path) -> None:
    engine = CTranslate2Engine(converted(marian, tmp_path / "ours"), max_tokens=64)
    asked = english()
    assert engine.translate(asked[::-1], "en", "de")[::-1] == engine.translate(asked, "en", "de")
    assert [engine.translate([one], "en", "de")[0] for one in asked] == engine.translate(asked, "en", "de")


def test_a_format_that_a_device_lacks_is_refused(marian: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"cpu does not compute in float16, only in .*int8_float32.* \.int8 or"):
        CTranslate2Engine(converted(marian, tmp_path / "ours", "float16"))
    assert compute_type("int8", "cuda", {"int8_float16", "float16"}) == "int8_float16"
    assert compute_type("float16", "cuda", {"int8_float16", "float16"}) == "float16"


def test_another_version_is_refused(marian: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=rf"planned with ctranslate2 3\.0, and this machine has {VERSION}"):
        convert(marian, "int8", "3.0", tmp_path)
    folder = converted(marian, tmp_path / "ours")
    made = json.loads((folder / "conversion.json").read_text())
    (folder / "conversion.json").write_text(json.dumps(made | {"ctranslate2": "3.0"}))
    with pytest.raises(RequestError, match=r"ctranslate2 3\.0"):
        CTranslate2Engine(folder)


def test_what_cannot_be_converted(marian: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no runtime 'int3'"):
        convert(marian, "int3", VERSION, tmp_path)
    with pytest.raises(RequestError, match=r"has no config\.json"):
        convert(tmp_path / "none", "int8", VERSION, tmp_path)
    copy = Path(shutil.copytree(marian, tmp_path / "copy"))
    (copy / "languages.json").unlink()
    with pytest.raises(RequestError, match="its languages are unknown"):
        convert(copy, "int8", VERSION, tmp_path)
