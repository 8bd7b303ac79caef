from __future__ import annotations

import itertools
import json
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.translation.made import made
from xtransfer.base.errors import DataError, RequestError
from xtransfer.base.stage import Progress, silent
from xtransfer.training.translator import TranslatorRecipe, train_translator
from xtransfer.training.translator_pairs import Pair, batches_of
from xtransfer.translation.benchmark import translate_rows
from xtransfer.translation.dropped import Dropped
from xtransfer.translation.engines import ENGINES, EngineTrainedHere, check, get
from xtransfer.translation.held_out import held_out_quality
from xtransfer.translation.quality import against_people
from xtransfer.translation.transformers_engine import TransformersEngine

torch.set_num_threads(1)
WORDS = {
    "de": {"red": "rot", "blue": "blau", "house": "haus", "tree": "baum", "and": "und", "ship": "schiff"},
    "fr": {"red": "rouge", "blue": "bleu", "house": "maison", "tree": "arbre", "and": "et", "ship": "bateau"},
}
RECIPE = TranslatorRecipe(
    width=48,
    heads=2,
    feed_forward=64,
    layers=1,
    steps=200,
    batch_size=32,
    max_length=24,
    learning_rate=1e-2,
)


def english(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(list(WORDS["de"]), k=rng.randint(2, 5))) for _ in range(count)]


def said(sentence: str, language: str) -> str:
    return " ".join(WORDS[language][word] for word in sentence.split())


def texts(count: int, seed: int = 0) -> list[dict[str, str]]:
    return [{"en": one, "de": said(one, "de"), "fr": said(one, "fr")} for one in english(count, seed)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("translator")
    return folder / "out", train_translator(texts(200), RECIPE, 0, folder / "out", folder / "state")


def right(engine: TransformersEngine, language: str) -> float:
    asked = english(60, seed=1)
    made = engine.translate(asked, "en", language)
    return sum(one == said(two, language) for one, two in zip(made, asked, strict=True)) / len(asked)


def test_one_model_learns_two_languages(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, facts = trained
    assert facts["degenerate"] is None and facts["languages"] == ["en", "de", "fr"]
    assert facts["loss_last"] < 0.5 * facts["loss_first"]
    engine = TransformersEngine(folder)
    assert right(engine, "de") > 0.8 and right(engine, "fr") > 0.8
    untrained = folder.parent / "untrained"
    train_translator(texts(20), RECIPE.model_copy(update={"steps": 1}), 0, untrained, folder.parent / "none")
    assert right(TransformersEngine(untrained), "de") < 0.1


def test_the_way_back_from_several_languages_in_one_model(tmp_path: Path) -> None:
    """With everything that saves time: bf16, batches by length, embeddings from co-occurrence."""
    quick = RECIPE.model_copy(
        update={"precision": "bf16", "by_length": True, "embeddings": "co-occurrence", "steps": 500}
    )
    facts = train_translator(texts(200), quick, 0, tmp_path / "out", tmp_path / "state", to_english=True)
    assert facts["languages"] == ["de", "fr", "en"]
    said_of = json.loads((tmp_path / "out" / "languages.json").read_text())
    assert said_of == {"sources": ["de", "fr"], "targets": ["en"]}
    engine = TransformersEngine(tmp_path / "out")
    asked = english(60, seed=1)
    for language in ("de", "fr"):
        made = engine.translate([said(one, language) for one in asked], language, "en")
        assert sum(one == two for one, two in zip(made, asked, strict=True)) > 0.8 * len(asked), language
    with pytest.raises(RequestError, match="from de, fr to en, not from en to de"):
        engine.translate(["red"], "en", "de")
    scores = held_out_quality(tmp_path / "out", texts(20, seed=1))
    assert list(scores) == ["de-en", "fr-en"] and scores["de-en"]["compared"] == 20
    assert scores["de-en"]["bleu"] > 50 and scores["de-en"]["chrf"] > 70
    assert "version:" in scores["de-en"]["bleu_signature"]


def test_batches_by_length_hold_every_pair_once_and_save_padding() -> None:
    rng = random.Random(0)
    pairs = [([number], [0] * rng.randint(1, 30)) for number in range(300)]
    batches = list(itertools.islice(batches_of(pairs, 8, True, 0, 1), 38))
    assert sorted(one[0] for batch in batches for one, _ in batch) == list(range(300))
    plain = list(itertools.islice(batches_of(pairs, 8, False, 0, 1), 38))

    def padded(some: list[list[Pair]]) -> int:
        return sum(len(batch) * max(len(two) for _, two in batch) for batch in some)

    assert padded(batches) < 0.7 * padded(plain)
    assert [len(batch[0][1]) for batch in batches] != sorted(len(batch[0][1]) for batch in batches)
    later = list(itertools.islice(batches_of(pairs, 8, True, 0, 40), 3))
    assert later == list(itertools.islice(batches_of(pairs, 8, True, 0, 1), 42))[39:]


def test_a_translator_to_english_is_not_asked_for_other_languages() -> None:
    check("multi30k-marian", "snli-cf", "cs")
    back = get("multi30k-marian-back.float32")
    assert isinstance(back, EngineTrainedHere) and back.directions == (("de", "en"), ("fr", "en"), ("cs", "en"))
    check("multi30k-marian-back", "xnli", "en", "test", source="fr")
    with pytest.raises(RequestError, match="multi30k-marian-back translates to en, not to de"):
        check("multi30k-marian-back", "snli-cf", "de")
    with pytest.raises(RequestError, match="translates to de, fr, cs, not to sw"):
        check("multi30k-marian", "snli-cf", "sw")


def test_keys_of_older_recipes_stay() -> None:
    lab = ENGINES["lab-marian"]
    assert isinstance(lab, EngineTrainedHere)
    assert not {"precision", "embeddings", "by_length"} & lab.recipe.deciding().keys()
    assert RECIPE.model_copy(update={"by_length": True}).deciding()["by_length"] is True


def test_no_pickle_is_written(trained: tuple[Path, dict[str, Any]]) -> None:
    assert {path.suffix for path in trained[0].iterdir()} == {".json", ".safetensors"}


def test_killed_and_resumed_gives_the_same_model(trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    def kill(message: str, done: int, total: int, metrics: Any = None) -> None:
        if done >= 70:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_translator(texts(200), RECIPE, 0, tmp_path / "out", tmp_path / "state", kill, save_every=0.1)
    steps: list[int] = []
    train_translator(
        texts(200),
        RECIPE,
        0,
        tmp_path / "out",
        tmp_path / "state",
        lambda message, done, total, metrics=None: steps.append(done),
    )
    assert steps[1] > 20, "went on, not from the start"
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (tmp_path / "out", trained[0]))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_equal_sentences_are_translated_once(
    trained: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = TransformersEngine(trained[0], max_tokens=40)
    rows = 0
    generate = engine.generate

    def counting(batch: Sequence[Sequence[int]], first: int | None) -> list[list[int]]:
        nonlocal rows
        rows += len(batch)
        return generate(batch, first)

    monkeypatch.setattr(engine, "generate", counting)
    asked = ["red house", "blue tree and ship", "red house", "tree", "red house"]
    made = engine.translate(asked, "en", "de")
    assert rows == 3 and made[0] == made[2] == made[4]
    singly = [engine.translate([one], "en", "de")[0] for one in asked]
    assert made == singly  # neither order nor company changes an output
    assert engine.translate([], "en", "de") == []


def test_too_long_is_empty_not_cut(trained: tuple[Path, dict[str, Any]]) -> None:
    made = TransformersEngine(trained[0]).translate(["red " * 40, "red house"], "en", "de")
    assert made[0] == "" and made[1]
    sentences = ["red house and ship and tree", "blue tree and red house", "ship"]
    (whole,) = TransformersEngine(trained[0]).translate(["\n".join(sentences * 3)], "en", "de")
    assert whole == " ".join(TransformersEngine(trained[0]).translate(sentences, "en", "de") * 3)


def test_directions_are_checked(trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    engine = TransformersEngine(trained[0])
    with pytest.raises(RequestError, match="from en to de, fr, not from en to tr"):
        engine.translate(["red"], "en", "tr")
    copy = Path(shutil.copytree(trained[0], tmp_path / "model"))
    (copy / "languages.json").unlink()
    with pytest.raises(RequestError, match=r"put languages\.json beside"):
        TransformersEngine(copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"model_type": "t5"}))
    with pytest.raises(RequestError, match="'t5' models are not supported"):
        TransformersEngine(copy)


def test_opus_names_tell_the_direction(trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    copy = Path(shutil.copytree(trained[0], tmp_path / "opus-mt-en-de"))
    (copy / "languages.json").unlink()
    engine = TransformersEngine(copy)
    assert engine.directions.targets == ("de",) and not engine.directions.marked


def test_a_translator_needs_parallel_text(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="'en' and another language"):
        train_translator([{"de": "rot"}], RECIPE, 0, tmp_path / "out", tmp_path / "state")


def test_the_catalogue() -> None:
    for name, engine in ENGINES.items():
        assert engine.name == name and len(engine.languages) > 1 and engine.languages[0] == "en"


class Upper:
    """Translates by writing large; `quiet` comes out empty."""

    def translate(self, sentences: Sequence[str], source: str, target: str, progress: Progress = silent) -> list[str]:
        return ["" if one == "quiet" else one.upper() for one in sentences]


def pair(number: int, first: str, second: str) -> dict[str, Any]:
    return {"id": str(number), "group": "g", "first": first, "second": second, "label": 1}


def test_rows_of_pairs() -> None:
    rows = [pair(0, "a", "b"), pair(1, "quiet", "b"), pair(2, "c", "a")]
    references = [pair(0, "A", "X"), pair(1, "Q", "B"), pair(9, "never", "compared")]
    translated, facts = made(rows, "pair", Upper(), "de", references)
    assert translated == [pair(0, "A", "B"), pair(2, "C", "A")]
    assert rows[0]["first"] == "a"
    assert facts["rows"] == 3 and facts["kept"] == 2 and facts["dropped_empty"] == 1
    assert facts["sentences"] == 6 and facts["distinct"] == 4
    assert facts["compared"] == 4 and facts["exact_match"] == 50.0 and 0 < facts["chrf"] < 100


def test_rows_of_choices() -> None:
    row = {"id": "0", "group": "g", "context": "a", "question": "cause", "choices": ["b", "c"], "label": 0}
    translated, facts = made([row], "choice", Upper(), "de")
    assert translated == [{**row, "context": "A", "choices": ["B", "C"]}] and "chrf" not in facts
    with pytest.raises(DataError, match=r"no row is left of 1 \(a text could not be translated: 1\)"):
        made([{**row, "choices": ["b", "quiet"]}], "choice", Upper(), "de")
    with pytest.raises(RequestError, match="'bitext' cannot be translated: its rows are sentences"):
        made([row], "bitext", Upper(), "de")


class Mirror:
    """Spells each sentence backwards, to German only unless `both` ways."""

    def __init__(self, both: bool) -> None:
        self.both = both

    def translate(self, sentences: Sequence[str], source: str, target: str, progress: Progress = silent) -> list[str]:
        if target != "de" and not self.both:
            raise RequestError("to German only")
        return [one[::-1] for one in sentences]


def test_quality_is_told_with_its_measures() -> None:
    rows = [pair(number, f"word {number} and more", f"another {number}") for number in range(150)]
    people = [{**row, "first": row["first"][::-1]} for row in rows]
    _, facts = made(rows, "pair", Mirror(both=True), "de", people)
    assert facts["compared"] == 300 and 0 < facts["bleu"] < 100 and facts["exact_match"] == 50.0
    assert "tok:13a" in facts["bleu_signature"] and "version:" in facts["chrf_signature"]
    assert facts["round_trip_chrf"] == 100.0 and facts["round_trip_sentences"] == 200
    _, facts = made(rows, "pair", Mirror(both=False), "de")
    assert facts["round_trip_chrf"] is None and facts["round_trip_sentences"] == 0 and "bleu" not in facts
    chinese = against_people([("狗在花园里睡觉", "狗在花园里跑步")], "zh")
    assert "tok:zh" in chinese["bleu_signature"] and 0 < chinese["bleu"] < 100
    assert against_people([], "zh")["bleu"] is None


def test_dropped_rows_are_told_with_texts_and_reason() -> None:
    rows = [pair(0, "a", "b"), pair(1, "quiet", "b"), pair(2, "The dog runs over the grass.", "a")]
    translated = translate_rows(rows, "pair", Upper(), "de")
    dropped, facts = translated.dropped, translated.facts()
    assert dropped[0] == Dropped("1", "a text could not be translated", ["quiet", "b"], ["", "B"])
    assert dropped[1].id == "2" and facts["dropped"][dropped[1].reason] == 1 and facts["kept"] == 1
