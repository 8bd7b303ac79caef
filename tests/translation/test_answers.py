"""Rows of kind span: whatever a translator says, an answer is a piece of its context, or the row is left out."""

from __future__ import annotations

import random
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.translation.made import made
from tests.translation.words import RECIPE, english, said, texts
from xtransfer.base.errors import DataError
from xtransfer.base.stage import Progress, no_progress
from xtransfer.kinds import span
from xtransfer.training.translator import train_translator
from xtransfer.translation.answers import LOST, MOVED, UNSURE, translate_answers
from xtransfer.translation.ctranslate2_engine import CTranslate2Engine
from xtransfer.translation.model_loading import convert
from xtransfer.translation.sentences import sentence_spans, sentences_of
from xtransfer.translation.tags import translate_tags
from xtransfer.translation.transformers_engine import TransformersEngine

torch.set_num_threads(1)
WORDS = {"the": "das", "house": "Haus", "red": "rot", "is": "ist", "big": "groß", "of": "von", "ann": "Anna"}


class ByWord:
    """Translates word by word; signs stay, and so do words that it does not know."""

    def translate(
        self, sentences: Sequence[str], source: str, target: str, progress: Progress = no_progress
    ) -> list[str]:
        return [self.said(one) for one in sentences]

    def said(self, sentence: str) -> str:
        for word, other in WORDS.items():
            sentence = sentence.replace(word, other)
        return sentence


class Forgetful(ByWord):
    """Loses all marks, and says another word for an answer that stands alone."""

    def said(self, sentence: str) -> str:
        return "etwas" if " " not in sentence else super().said(sentence.translate(dict.fromkeys(map(ord, '[]"()'))))


class Wild:
    """Says anything, sometimes nothing."""

    def translate(
        self, sentences: Sequence[str], source: str, target: str, progress: Progress = no_progress
    ) -> list[str]:
        return [_noise(random.Random(one), 0) for one in sentences]


def _noise(rng: random.Random, least: int) -> str:
    letters = 'aabc .!?"[]()«»„“İıßﬁé中文。\n\r\t\u200b\u200f\u0000’-1'
    return "".join(rng.choices(letters, k=rng.randint(least, 40)))


def row(context: str, *answers: str, question: str = "the house") -> dict[str, Any]:
    starts = [context.index(one) for one in answers]
    return {"id": "0", "group": "g", "context": context, "question": question, "answers": [*answers], "starts": starts}


def put(one: dict[str, Any], engine: Any) -> tuple[dict[str, Any], str | None, dict[str, Any]]:
    made = translate_answers([one], engine, "en", "de")
    return made.rows[0], made.reasons[0], dict(made.facts)


def test_an_answer_is_found_by_marks_and_by_its_text() -> None:
    made, reason, facts = put(row("A dog. the red house is big of ann. red", "house is big"), ByWord())
    assert reason is None and made["context"] == "A dog. das rot Haus ist groß von Anna. rot"
    assert made["answers"] == ["Haus ist groß"] and made["starts"] == [15]
    assert facts == {"answers": 1, "projected_by": {"marks+text": 1}}


def test_of_several_places_marks_choose() -> None:
    made, reason, _ = put({**row("red is red of red", "red"), "starts": [7]}, ByWord())
    assert reason is None and made["starts"] == [8] and made["answers"] == ["rot"]


def test_a_translator_that_loses_the_answer_loses_the_row() -> None:
    assert put(row("the house is big", "house"), Forgetful())[1] == LOST
    assert put(row("the house is 1066", "1066"), Forgetful())[1] == UNSURE  # one way alone names a place
    with pytest.raises(DataError, match="answer not found again: 1"):
        made([row("the house is big", "house")], "span", Forgetful(), "de")


def test_dropped_rows_are_counted_by_reason() -> None:
    rows = [row("the house is big", "house"), row("a 12", "12"), {**row("the house", "house"), "starts": [0]}]
    rows = [{**one, "id": str(number)} for number, one in enumerate(rows)]
    kept, facts = made(rows, "span", ByWord(), "de")
    assert [one["id"] for one in kept] == ["0", "1"]
    assert facts["dropped"] == {MOVED: 1} and facts["projected_by"] == {"marks+text": 2}


def test_a_row_keeps_the_answers_that_are_sure() -> None:
    made, reason, _ = put(row("the house is big of ann", "house", "house is big", "house"), ByWord())
    assert reason is None and made["answers"] == ["Haus", "Haus ist groß"]


def test_a_row_without_an_answer_stays() -> None:
    made, reason, facts = put(row("the house is big"), ByWord())
    assert reason is None and made["answers"] == [] and facts["answers"] == 0


def test_no_sentence_ends_within_an_answer() -> None:
    text = "By the band Wham! Today. It is big."
    assert sentence_spans(text) == [(0, 17), (18, 24), (25, 35)]
    assert sentence_spans(text, [(12, 23)]) == [(0, 24), (25, 35)]
    made, reason, _ = put(row(text, "Wham! Today"), ByWord())
    assert reason is None and made["answers"] == ["Wham! Today"]


def test_sentences_stand_where_they_say() -> None:
    rng = random.Random(0)
    for _ in range(300):
        text = _noise(rng, 1)
        if text.strip():
            assert [text[slice(*one)] for one in sentence_spans(text)] == [one.strip() for one in sentences_of(text)]


@pytest.mark.parametrize("language", ["de", "zh", "tr"])
def test_an_answer_is_always_a_piece_of_its_context(language: str) -> None:
    rng = random.Random(language)
    kept = 0
    for number in range(400):
        context = _noise(rng, 3)
        start = rng.randrange(len(context))
        answers = [context[start : start + rng.randint(1, 9)]]
        one = {"id": str(number), "group": "g", "context": context, "question": "q?", "answers": answers}
        made = translate_answers([{**one, "starts": [start]}], ByWord() if number % 2 else Wild(), "en", language)
        fine = made.reasons[0] is None and made.rows[0]["context"] != ""
        assert span.check(made.rows[0]) is None
        assert bool(made.rows[0]["answers"]) == fine
        kept += fine
    assert kept > 50


@pytest.fixture(scope="module")
def marian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A translator of word by word that has no token for marks."""
    folder = tmp_path_factory.mktemp("answers")
    train_translator(texts(200), RECIPE, 0, folder / "out", folder / "state")
    return folder / "out"


def word_rows(count: int) -> list[dict[str, Any]]:
    """Some words of each sentence are asked for."""
    rng = random.Random(3)
    rows = []
    distinct = [one for one in english(6 * count, seed=5) if len(set(one.split())) == len(one.split())]
    for number, sentence in enumerate(distinct[:count]):
        words = sentence.split()
        first = rng.randrange(len(words))
        answer, before = words[first : first + rng.randint(1, 2)], " ".join([*words[:first], ""])
        rows.append({**row(sentence, " ".join(answer)), "id": str(number), "starts": [len(before)]})
    return rows


def test_attention_finds_the_words_that_people_would(marian: Path) -> None:
    rows = word_rows(80)
    made = translate_answers(rows, TransformersEngine(marian), "en", "de")
    kept = [
        (before, after)
        for before, after, reason in zip(rows, made.rows, made.reasons, strict=True)
        if reason is None and after["context"] == said(before["context"], "de")
    ]
    right = [
        after["answers"] == [said(before["answers"][0], "de")]
        and after["starts"]
        == [len(said(before["context"][: before["starts"][0]], "de") + " ") * (before["starts"][0] > 0)]
        for before, after in kept
    ]
    assert len(kept) >= 0.7 * len(rows) and sum(right) >= 0.95 * len(kept)
    assert set(made.facts["projected_by"]) == {"text+attention", "attention"}


def test_both_libraries_find_the_same(marian: Path, tmp_path: Path) -> None:
    convert(marian, "float32", version("ctranslate2"), tmp_path)
    rows = word_rows(30)
    ours = translate_answers(rows, CTranslate2Engine(tmp_path), "en", "de")
    theirs = translate_answers(rows, TransformersEngine(marian), "en", "de")
    assert ours.rows == theirs.rows and ours.reasons == theirs.reasons


def test_tags_go_with_their_words(marian: Path) -> None:
    labels = ("O", "B-COL", "I-COL", "B-OBJ", "I-OBJ")
    tags = {"red": 1, "blue": 1, "house": 3, "tree": 3, "ship": 3, "and": 0}
    rows = [
        {"id": str(number), "group": "g", "tokens": one.split(), "tags": [tags[word] for word in one.split()]}
        for number, one in enumerate(english(60, seed=9))
    ]
    made = translate_tags(rows, TransformersEngine(marian), "en", "de", labels)
    kept = [
        (before, after)
        for before, after, reason in zip(rows, made.rows, made.reasons, strict=True)
        if reason is None and " ".join(after["tokens"]) == said(" ".join(before["tokens"]), "de")
    ]
    right = sum(before["tags"] == after["tags"] for before, after in kept)
    assert len(kept) >= 0.5 * len(rows) and right >= 0.95 * len(kept)
