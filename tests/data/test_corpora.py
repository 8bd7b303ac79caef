from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.mirror import write
from xtransfer import lab
from xtransfer.base.errors import RequestError, SourceError
from xtransfer.data.corpora import held_out_texts, load_corpus, load_texts, pin_corpus

TEXTS = [
    ("1", "en", "Water is wet."),
    ("1", "de", "Wasser ist nass."),
    ("2", "en", "The evaluated  PREMISE"),
    ("2", "de", "Eine Aussage, die nirgends steht."),
    ("3", "en", "Before it. The evaluated premise After it."),
    ("4", "en", "He said yes. The evaluated hypothesis. Then he left."),
    ("5", "en", "water is  wet."),
    ("6", "en", "12 + 3"),
    ("7", "sw", "Maji ni majimaji."),
]


@pytest.fixture
def text_mirror(mirror: Path) -> Path:
    numbers, languages, texts = zip(*TEXTS, strict=True)
    write(
        mirror,
        "local/text-a/default/train",
        {"id": list(numbers), "lang": list(languages), "text": list(texts)},
    )
    write(mirror, "local/text-b/default/train", {"id": ["1"], "lang": ["en"], "text": ["Another source"]})
    evaluated = {
        "premise": ["The evaluated premise"],
        "hypothesis": ["the evaluated hypothesis."],
        "label": [0],
    }
    write(mirror, "facebook/xnli/en/test", evaluated)
    return mirror


def test_mirror_text_joins_translations_and_drops_what_is_evaluated(text_mirror: Path) -> None:
    corpus = load_corpus("mirror-text", num_texts=100, seed=0)
    texts = sorted(corpus.texts, key=str)
    assert {"en": "Water is wet.", "de": "Wasser ist nass."} in texts
    assert {"de": "Eine Aussage, die nirgends steht."} in texts  # its English side is evaluated
    assert {"en": "Another source"} in texts  # same id in another source: no translation
    assert {"sw": "Maji ni majimaji."} in texts
    assert {"en": "Before it. The evaluated premise After it."} in texts  # no sentence of it is the premise
    assert len(texts) == 5
    assert corpus.facts == {
        "read": 10,
        "dropped_evaluation": 2,
        "dropped_double": 1,
        "dropped_no_letters": 1,
        "kept_de": 2,
        "kept_en": 3,
        "kept_sw": 1,
    }


def test_lists_and_structs_of_an_evaluation_split_count(mirror: Path) -> None:
    """Words as the sentence they are, options and answers as they stand; what is short is said everywhere."""
    dropped = [
        ("en", "The quick brown fox jumps, and sleeps."),
        ("zh", "我们今天去北京看朋友吧"),
        ("th", "เราไปเที่ยวทะเลกัน"),
        ("en", "An option that is long enough"),
        ("de", "Eine Antwort in einer Struktur"),
    ]
    kept = [("en", "The fox"), ("en", "short option"), ("zh", "我们今天")]
    texts = [*dropped, *kept]
    columns = {"id": [str(n) for n, _ in enumerate(texts)], "lang": [code for code, _ in texts]}
    write(mirror, "local/text-a/default/train", {**columns, "text": [text for _, text in texts]})
    write(mirror, "facebook/xnli/en/test", {
        "tokens": [["The", "quick", "brown", "fox", "jumps", ",", "and", "sleeps", "."], ["The", "fox"],
                   ["我们", "今天", "去", "北京", "看", "朋友", "吧"], ["เรา", "ไป", "เที่ยว", "ทะเล", "กัน"]],
        "options": [["An option that is long enough", "short option"], [], None, [None]],
        "answers": [{"text": ["Eine Antwort in einer Struktur"], "start": [3]}, None,
                    {"text": [], "start": []}, {"text": None, "start": None}],
    })  # fmt: skip
    corpus = load_corpus("mirror-text", num_texts=100, seed=0)
    assert sorted(corpus.texts, key=str) == sorted(({code: text} for code, text in kept), key=str)
    assert corpus.facts["dropped_evaluation"] == len(dropped)


def test_languages_take_turns_and_translated_texts_go_first(text_mirror: Path) -> None:
    first = load_texts("mirror-text", num_texts=1, seed=0)
    assert first == [{"en": "Water is wet.", "de": "Wasser ist nass."}]
    for seed in range(5):
        three = load_texts("mirror-text", num_texts=3, seed=seed)
        assert {"sw": "Maji ni majimaji."} in three


def test_seed_and_languages_decide_the_texts(text_mirror: Path) -> None:
    whole = load_texts("mirror-text", num_texts=100, seed=0)
    assert whole == load_texts("mirror-text", num_texts=100, seed=0)
    assert any(whole != load_texts("mirror-text", num_texts=100, seed=seed) for seed in range(1, 9))
    assert load_texts("mirror-text", num_texts=100, seed=0, languages=["sw"]) == [{"sw": "Maji ni majimaji."}]


def test_pin_follows_texts_and_evaluation_data(text_mirror: Path) -> None:
    before = pin_corpus("mirror-text")
    assert before == pin_corpus("mirror-text")
    write(text_mirror, "facebook/xnli/en/test", {"premise": ["p"], "hypothesis": ["h"], "label": [0]})
    evaluated = pin_corpus("mirror-text")
    write(text_mirror, "local/text-b/default/train", {"id": ["1"], "lang": ["en"], "text": ["changed"]})
    assert len({before, evaluated, pin_corpus("mirror-text")}) == 3


def test_lab_corpora_are_the_lab_worlds() -> None:
    assert load_texts("lab", num_texts=3, seed=1) == lab.parallel_text(3, 1)
    assert load_texts("lab-translation", num_texts=3, seed=1) == lab.translation_text(3, 1)
    assert all(set(text) == {"tr", "en"} for text in load_texts("lab", num_texts=3, seed=1, languages=["tr", "en"]))
    assert pin_corpus("lab") == lab.REVISION


def test_multi30k_is_its_training_split_without_evaluation_sentences(mirror: Path) -> None:
    captions = {
        "en": ["A cat runs.", "The evaluated premise", "A dog sleeps.", "A cow."],
        "de": ["Eine Katze rennt.", "Neu.", "Ein Hund schläft.", "Die geprüfte Kuh"],
    }
    held_out = {"en": ["A tested cat"], "de": ["Die geprüfte Kuh"]}
    write(mirror, "local/multi30k-en-de-fr-cs/default/train", captions)
    write(mirror, "local/multi30k-en-de-fr-cs/default/test", held_out)
    before = pin_corpus("multi30k")
    write(mirror, "facebook/xnli/en/test", {"premise": ["the evaluated premise"], "hypothesis": ["h"], "label": [0]})
    corpus = load_corpus("multi30k", num_texts=9, seed=0)
    english = sorted(text["en"] for text in corpus.texts)
    assert english == ["A cat runs.", "A dog sleeps."]  # of the cow the German is in the test split
    assert corpus.facts == {"read": 4, "dropped_evaluation": 2, "kept": 2}
    assert pin_corpus("multi30k") != before
    assert load_texts("multi30k", num_texts=1, seed=0, languages=["de"])[0].keys() == {"de"}
    assert held_out_texts("multi30k") == [{"en": "A tested cat", "de": "Die geprüfte Kuh"}]
    assert held_out_texts("lab") == []


def test_bad_requests(text_mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match="no corpus 'labs'; did you mean 'lab'"):
        load_texts("labs", num_texts=1, seed=0)
    with pytest.raises(RequestError, match="no corpus"):
        pin_corpus("other")
    with pytest.raises(RequestError, match="no language 'xx'"):
        load_texts("lab", num_texts=1, seed=0, languages=["xx"])
    with pytest.raises(RequestError, match="has no text in yo"):
        load_texts("mirror-text", num_texts=1, seed=0, languages=["yo"])
    monkeypatch.delenv("XTRANSFER_HUB_DIR")
    with pytest.raises(SourceError, match="XTRANSFER_HUB_DIR is not set"):
        load_texts("mirror-text", num_texts=1, seed=0)
