"""Rows to train dual encoders on, from the columns of their sources."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.benchmarks.fixtures import chosen, write_mirror
from tests.training.tiny import make_encoder
from xtransfer.benchmarks import BUILT_IN, get
from xtransfer.benchmarks.ranking import _mention_and_entity, _question_and_answer
from xtransfer.data.load import load_rows
from xtransfer.recipes.pooling import Pooling
from xtransfer.recipes.recipes import named
from xtransfer.scoring.score import score
from xtransfer.training.finetune import finetune

TOKENS = 48
QUICK = {"epochs": None, "steps": 30, "learning_rate": 3e-3, "max_length": TOKENS}
PARAGRAPH = "Alan was born in 1912. He lived to 41! Who asks? He wrote of machines."


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("Alan", "Alan was born in 1912."),
        ("1912", "Alan was born in 1912."),
        ("41", "He lived to 41!"),
        ("machines", "He wrote of machines."),
        ("machines.", "He wrote of machines."),
    ],
)
def test_a_question_looks_for_the_sentence_that_its_answer_begins_in(answer: str, sentence: str) -> None:
    answers = {"text": [answer], "answer_start": [PARAGRAPH.index(answer)]}
    row = _question_and_answer({"id": "q", "context": PARAGRAPH, "question": "Who?", "answers": answers})
    assert row == {"id": "q", "source": "Who?", "target": sentence, "context": PARAGRAPH}


def test_a_mention_is_marked_in_its_sentence_and_looks_for_a_description() -> None:
    text = "It rained. The flag had flown. It sank."
    mention = {"example_id": "m1", "entity_id": "Q1", "mention_span": {"start": 15, "end": 19, "text": "flag"}}
    spans = [{"start": 0, "end": 10}, {"start": 11, "end": 30}, {"start": 31, "end": 39}]
    context = {"text": text, "sentence_spans": spans}
    description = {"description": "A flag. It is red.", "sentence_spans": [{"start": 0, "end": 7}]}
    pair = {"contextual_mention": {"mention": mention, "context": context}, "entity": description}
    row = _mention_and_entity(pair)
    assert row == {"id": "m1", "source": "flag: The { flag } had flown.", "target": "A flag.", "context": ""}
    across = {**mention, "mention_span": {"start": 5, "end": 19, "text": ""}}
    assert _mention_and_entity({**pair, "contextual_mention": {"mention": across, "context": context}}) is None


def test_translations_stand_in_the_column_of_their_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path))
    write_mirror(tmp_path, BUILT_IN["multi30k"])
    french, czech = (load_rows(get("multi30k"), code, "test") for code in ("fr", "cs"))
    assert french[0]["source"].endswith(" fr") and czech[0]["source"].endswith(" cs")
    assert [row["target"] for row in french] == [row["target"] for row in czech]
    assert french[0]["target"].endswith(" en") and french[0]["context"] == ""


@pytest.mark.parametrize(("pairs", "target"), [("squad-answers", "lareqa"), ("mewsli-x-pairs", "mewsli-x")])
def test_a_target_is_scored_after_training_on_its_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pairs: str, target: str
) -> None:
    """As XTREME-R trains both, with its own recipe but for the length: its vectors are those of first tokens."""
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path))
    for name in (pairs, target):
        write_mirror(tmp_path, BUILT_IN[name])
    encoder = make_encoder(tmp_path / "encoder", positions=TOKENS + 2)
    recipe = named(f"xtreme-r-2021/{pairs}").model_copy(update=QUICK)
    rows = load_rows(get(pairs), "en", "train")
    facts = finetune(encoder, [(get(pairs), rows)], recipe, 0, tmp_path / "trained", tmp_path / "state")
    assert facts["loss_last"] < facts["loss_first"]
    before = _ranked(encoder, target, tmp_path / "before")
    after = _ranked(tmp_path / "trained", target, tmp_path / "after")
    assert before.keys() == after.keys() and before != after


def _ranked(checkpoint: Path, target: str, out: Path) -> dict[tuple[str, str], str]:
    """What each row found, in every language."""
    out.mkdir()
    benchmark = get(target)
    languages = chosen(benchmark, "test")
    scores = score(checkpoint, benchmark, languages, "test", TOKENS, out, pooling=Pooling(how="cls"))
    assert {one.language for one in scores} == set(languages)
    written = pq.read_table(out / "predictions.parquet").to_pylist()
    return {(row["language"], row["id"]): row["prediction"] for row in written}


def test_real_translations_are_read(hub_dir: Path) -> None:
    if not (hub_dir / "local" / "multi30k-en-de-fr-cs").is_dir():
        pytest.skip("the mirror has no multi30k")
    assert os.environ["XTRANSFER_HUB_DIR"] == str(hub_dir)
    sizes = [len(load_rows(get("multi30k"), "de", split)) for split in ("train", "dev", "test")]
    assert sizes == [29000, 1014, 1000]
