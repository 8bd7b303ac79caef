"""Engines: each distinct sentence once, in directions that the model has; interrupted translations resume."""

from __future__ import annotations

import json
import shutil
from array import array
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from tests.translation.words import RECIPE, texts
from xtransfer.base.errors import RequestError
from xtransfer.training.translator import train_translator
from xtransfer.translation.engine import ModelEngine, Pace
from xtransfer.translation.model_tokenizer import Directions, ModelTokenizer
from xtransfer.translation.span_matching import Weights, word_spans
from xtransfer.translation.transformers_engine import TransformersEngine

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("translator")
    return folder / "out", train_translator(texts(200), RECIPE, 0, folder / "out", folder / "state")


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


def test_the_time_left_goes_by_tokens() -> None:
    now = [0.0]
    pace = Pace(100, lambda: now[0])
    now[0] = 10.0
    assert pace.after(4, 80) == {"sentences_per_second": 0.4, "seconds_left": 2.5}
    now[0] = 12.0
    assert pace.after(8, 20) == {"sentences_per_second": 1.0, "seconds_left": 0.0}


class FirstSentenceOnly(ModelEngine):
    """Repeats words and signs up to the first full stop, each aligned with itself, as models do that were trained on
    single sentences."""

    def __init__(self) -> None:
        known: list[str] = [""]

        def encode(texts: Sequence[str], source: str, target: str) -> list[array[int]]:
            words = [[text[slice(*span)] for span in word_spans(text, "en")] for text in texts]
            known.extend(word for one in words for word in one if word not in known)
            return [array("i", [*map(known.index, one), 0]) for one in words]

        def pieces(row: Sequence[int]) -> list[str]:
            return [known[number] for number in row]

        stub = SimpleNamespace(
            directions=Directions(("en",), ("de", "zh")),
            longest=99,
            end=0,
            language_token=lambda language: None,
            encode=encode,
            pieces=pieces,
            decode=lambda rows: [" ".join(filter(None, pieces(row))).replace(" .", ".") for row in rows],
        )
        super().__init__(Path(), cast(ModelTokenizer, stub), ("stub",))
        self.stop = lambda row: [*row[: list(row).index(known.index(".")) + 1], 0]

    def generate(self, rows: Sequence[Sequence[int]], first: int | None) -> list[list[int]]:
        return [self.stop(row) for row in rows]

    def attend(self, rows: Sequence[Sequence[int]], first: int | None) -> list[tuple[list[int], Weights]]:
        return [(self.stop(row), np.eye(len(self.stop(row)), len(row), dtype=np.float32)) for row in rows]


def test_no_sentence_of_a_short_text_is_lost() -> None:
    engine = FirstSentenceOnly()
    sentences = ["The king is not lazy.", "The animal is full.", "The lion sleeps."]
    assert engine.translate([" ".join(sentences)], "en", "de") == [" ".join(sentences)]
    assert engine.translate([" ".join(sentences)], "en", "zh") == ["".join(sentences)]


def test_a_text_of_several_sentences_is_aligned_sentence_by_sentence() -> None:
    text = "The king is not lazy.  The animal is full."
    (aligned,) = FirstSentenceOnly().aligned([text], "en", "zh")
    assert aligned is not None and aligned.output == "The king is not lazy.The animal is full."
    words, outputs = word_spans(text, "en"), word_spans(aligned.output, "en")
    assert np.array_equal(aligned.between(words, outputs), np.eye(len(words)))
