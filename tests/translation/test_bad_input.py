"""What the stage makes of texts that nobody should have written: counted, kept with a reason, or refused by name."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from xtransfer.base.errors import DataError
from xtransfer.base.stage import FolderModel, Work
from xtransfer.data import load
from xtransfer.data.load import read_rows
from xtransfer.stages import translate
from xtransfer.study.stage_settings import ROWS, TranslateSettings
from xtransfer.translation import model_loading
from xtransfer.translation.engine import ModelEngine
from xtransfer.translation.model_tokenizer import Directions, ModelTokenizer
from xtransfer.translation.translated_rows import read_dropped
from xtransfer.translation.translation_store import NullStore

MODEL = FolderModel(digest="of the model")
SETTINGS = TranslateSettings(benchmark="lab-nli", split="train", language="de", data="", engine=MODEL)
GOOD, TOO = "The king is not lazy.", "The animal is full."
GERMAN = {
    "The": "Der", "king": "König", "is": "ist", "not": "nicht", "lazy.": "faul.", "animal": "Esel", "full.": "satt.",
}  # fmt: skip
WORDS = ["", *GERMAN]
END = 0


class WordByWord(ModelEngine):
    """A model whose tokens are words, and which translates each by itself."""

    def __init__(self) -> None:
        self.tokenizer = cast(
            ModelTokenizer,
            SimpleNamespace(
                directions=Directions(("en",), ("de",)),
                longest=48,
                end=END,
                language_token=lambda language: None,
                encode=lambda texts, source, target: [
                    array("i", [*map(WORDS.index, text.split()), END]) for text in texts
                ],
                decode=lambda rows: [" ".join(GERMAN[WORDS[one]] for one in row if one != END) for row in rows],
            ),
        )
        self.decoding, self.store = ("word by word",), NullStore()

    def generate(self, rows: Sequence[Sequence[int]], first: int | None) -> list[list[int]]:
        return [list(row) for row in rows]

    def attend(self, *asked: Any) -> Any:
        raise AssertionError("only tags and answers need to know which words come from which")


def pair(name: str, first: Any, second: Any = TOO) -> dict[str, Any]:
    return {"id": name, "group": "g", "first": first, "second": second, "label": 1}


def run(rows: list[dict[str, Any]], folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    patch.setattr(load, "load_rows", lambda *asked: rows)
    patch.setattr(model_loading, "open_engine", lambda *asked: WordByWord())
    out, state = folder / "out", folder / "state"
    out.mkdir()
    state.mkdir()
    return translate.run(SETTINGS, Work(out, state, folders={MODEL.digest: folder}))


def test_each_row_is_translated_or_kept_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        pair("plain", GOOD),
        pair("controls", f"{GOOD[:8]}\0\x07{GOOD[8:]}"),
        pair("direction", f"\u202e{GOOD}\u202c\u200f"),
        pair("empty", ""),
        pair("marks", "\u200f\u202e"),
        pair("endless", "king " * 20_000),
    ]
    facts = run(rows, tmp_path, monkeypatch)
    made = {row["id"]: row["first"] for row in read_rows(tmp_path / "out" / ROWS)}
    dropped = {row.id: row for row in read_dropped(tmp_path / "out")}
    assert set(made) | set(dropped) == {row["id"] for row in rows} and not set(made) & set(dropped)
    assert made["controls"] == made["direction"] == made["plain"] == "Der König ist nicht faul."
    assert {dropped[name].reason for name in ("marks", "endless")} == {"text not translated"}
    assert dropped["empty"].reason == "source text empty"
    assert dropped["endless"].source[0] == "king " * 20_000 and dropped["endless"].output[0] == ""
    assert facts["kept"] == len(made) and sum(facts["dropped"].values()) == len(dropped)


def test_what_is_no_text_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="row bad: field 'second' holds nothing instead of text"):
        run([pair("plain", GOOD), pair("bad", GOOD, None)], tmp_path, monkeypatch)
