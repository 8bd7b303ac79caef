"""Kind `entities` against utils_mewslix.py (xtreme_mewslix.json names the commit), and by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.kinds.words import tokenizer
from xtransfer.base.errors import DataError
from xtransfer.benchmarks import get
from xtransfer.benchmarks.spec import Row
from xtransfer.kinds import entities

CASES = json.loads((Path(__file__).parent / "xtreme_mewslix.json").read_text(encoding="utf-8"))["cases"]
MENTION = {"id": "m1", "side": "mention", "text": "a b c", "start": 2, "end": 3, "entity": "Q2"}
ENTITIES = [
    {"id": name, "side": "entity", "text": text, "start": 0, "end": 0, "entity": name}
    for name, text in (("Q1", "d"), ("Q2", "e f"))
]


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_texts_are_those_of_xtreme(case: dict[str, Any]) -> None:
    adapt = get("mewsli-x").adapt
    assert adapt is not None
    spans = [{"start": start, "end": end} for start, end in case["spans"]]
    source: Row = {"example_id": "m", "entity_id": "Q1", "sentence_spans": spans}
    mention = adapt({**source, "text": case["text"], "start": case["start"], "end": case["end"]})
    assert mention is not None
    assert entities.check(mention) is None
    assert entities.text_of(mention) == case["mention"]
    entity = adapt({"entity_id": "Q1", "sentence_spans": spans, "description": case["text"]})
    assert entity is not None
    assert entities.text_of(entity) == case["entity"]


def test_encode_marks_mentions_and_cuts_at_64() -> None:
    mention, entity = entities.encode([MENTION, ENTITIES[1]], tokenizer(), 512)
    assert mention.sequences == ((0, 3, 4, 3, 5, 3, 6, 2),)  # <s> b: a { b } c </s>; what is not a letter is unknown
    assert entity.sequences == ((0, 8, 9, 2),)
    (long,) = entities.encode([{**ENTITIES[0], "text": "a " * 200}], tokenizer(), 512)
    assert len(long.sequences[0]) == 64


def test_mentions_look_among_the_entities_of_the_pool() -> None:
    other = {**MENTION, "id": "m2", "entity": "Q1"}
    rows = {"de": [MENTION, other], "tr": [], "pool": ENTITIES}
    vectors = {
        "de": [torch.tensor([[0.6, 0.8]]), torch.tensor([[1.0, 0.0]])],
        "tr": [],
        "pool": [torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])],
    }
    found = entities.find(vectors, rows, None)
    assert [one.value for one in found["de"]] == [["Q2", "Q1"], ["Q1", "Q2"]]
    assert found["de"][0].scores == pytest.approx((0.8, 0.6))
    assert [one.value for one in found["pool"]] == [[], []]
    assert found["tr"] == []
    assert entities.KIND.gold(get("mewsli-x"), MENTION) == ["Q2"]


def test_together_refuses_a_mention_without_its_entity() -> None:
    assert entities.together({"de": [MENTION], "pool": ENTITIES}) == {"de": [MENTION], "pool": ENTITIES}
    with pytest.raises(
        DataError, match="de: mention 'm1' links to entity 'Q2', which is missing from the 1 candidates"
    ):
        entities.together({"de": [MENTION], "pool": ENTITIES[:1]})


def test_check_names_what_is_wrong() -> None:
    assert entities.check(MENTION) is None
    assert entities.check(ENTITIES[0]) is None
    assert "side is 'page'" in str(entities.check({**MENTION, "side": "page"}))
    assert "start 2 and end 9" in str(entities.check({**MENTION, "end": 9}))
    assert "start 2 and end 2" in str(entities.check({**MENTION, "end": 2}))
