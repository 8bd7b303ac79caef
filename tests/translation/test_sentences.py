"""What texts may hold: control characters, marks of direction, very long fields, nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from tests.translation.made import made
from tests.translation.tiny import make_marian
from xtransfer.base.errors import DataError
from xtransfer.base.stage import Progress, no_progress
from xtransfer.translation.engine import ModelEngine
from xtransfer.translation.sentences import cleaned, joined, sentences_of
from xtransfer.translation.transformers_engine import TransformersEngine

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ModelEngine:
    return TransformersEngine(make_marian(tmp_path_factory.mktemp("marian") / "model"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("3.5 per cent. no", ["3.5 per cent.", "no"]),
        ("一。二！", ["一。", "二！"]),
        ("a title\n\nA sentence. Another", ["a title", "A sentence.", "Another"]),
        ("no end", ["no end"]),
        ("Mr. Smith met J. K. Rowling. He left.", ["Mr. Smith met J. K. Rowling.", "He left."]),
        ("In the U.S. Army. So did I. He left.", ["In the U.S. Army.", "So did I.", "He left."]),
        ("Am 3. Mai kam z. B. Dr. Braun. Er ging.", ["Am 3. Mai kam z. B. Dr. Braun.", "Er ging."]),
        ('"Go!" he said. "Go." Tom ran.', ['"Go!" he said.', '"Go."', "Tom ran."]),
        ("यह एक है। यह दो है।", ["यह एक है।", "यह दो है।"]),
        ("یہ ایک ہے۔ یہ دو ہے۔", ["یہ ایک ہے۔", "یہ دو ہے۔"]),
        ("Он живёт на ул. Ленина. Она тоже.", ["Он живёт на ул. Ленина.", "Она тоже."]),
        (" ", [" "]),
        ("", [""]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text", "plain text"),
        ("a\0b\x07c\x9b", "abc"),
        ("a\tb\x0cc", "a b c"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("\u200fשלום\u200e \u202babc\u202c\ufeff", "שלום abc"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("soft\xadhyphen", "softhyphen"),
        ("half \ud83d of a pair", "half  of a pair"),
    ],
)
def test_characters_that_nobody_sees_are_left_out(text: str, expected: str) -> None:
    assert cleaned(text) == expected


def test_a_text_with_an_untranslated_sentence_is_not_translated() -> None:
    assert joined(["ja", ""], "de") == "" and joined(["一。", "二。"], "zh") == "一。二。"
    assert joined(["eins.", "zwei."], "de") == "eins. zwei."


def test_marks_and_control_characters_change_nothing(engine: ModelEngine) -> None:
    (plain,) = engine.translate(["The king is not lazy."], "en", "de")
    assert plain
    assert engine.translate(["The \u200eking is\0 not\u202c lazy."], "en", "de") == [plain]
    assert engine.translate(["", " ", "\u200f\0"], "en", "de") == ["", "", ""]


def test_a_field_of_a_hundred_kilobytes_is_translated_whole(engine: ModelEngine) -> None:
    sentences = ["The king is not lazy.", "The animal is full.", "The lion sleeps."]
    singly = engine.translate(sentences, "en", "de")
    assert all(singly)
    times = 100_000 // len(" ".join(sentences)) + 1
    text = " ".join(sentences * times)
    assert len(text) > 100_000
    assert engine.translate([text], "en", "de") == [" ".join(singly * times)]
    assert engine.translate([text + " king" * 200], "en", "de") == [""], "a sentence over the model's length"


class Quiet:
    """Repeats what it is given; `untranslatable` comes back empty."""

    def translate(
        self, sentences: Sequence[str], source: str, target: str, progress: Progress = no_progress
    ) -> list[str]:
        return ["" if one == "untranslatable" else one for one in sentences]


def pair(number: int, first: Any, second: Any) -> dict[str, Any]:
    return {"id": str(number), "group": "g", "first": first, "second": second, "label": 1}


def test_rows_are_dropped_for_a_reason() -> None:
    rows = [pair(0, "a", "b"), pair(1, "untranslatable", "b"), pair(2, " ", "b"), pair(3, "untranslatable", "")]
    translated, facts = made(rows, "pair", Quiet(), "de")
    assert [row["id"] for row in translated] == ["0"] and facts["dropped_empty"] == 3
    assert facts["dropped"] == {"text not translated": 1, "source text empty": 2}


@pytest.mark.parametrize("wrong", [None, 3, ["a", None]])
def test_what_is_no_text_is_an_error(wrong: Any) -> None:
    with pytest.raises(DataError, match=r"row 1: field 'second' holds .* instead of text"):
        made([pair(0, "a", "b"), pair(1, "a", wrong)], "pair", Quiet(), "de")
