"""Declarations of pairs, choices, similarity and text, each on a few rows as its source writes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.data.mirror import write
from xtransfer.base.errors import DataError
from xtransfer.base.languages import XTREME_R
from xtransfer.benchmarks import get
from xtransfer.data.load import available, load, load_rows, pin_rows


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path))
    return tmp_path


def nli(mark: str, labels: list[int], **more: list[Any]) -> dict[str, list[Any]]:
    texts = [f"{mark}{number}" for number, _ in enumerate(labels)]
    return {"premise": [text[0] for text in texts], "hypothesis": texts, "label": labels, **more}


def write_anli(mirror: Path) -> None:
    for split in ("train", "dev", "test"):
        for number in (1, 2, 3):
            rows = nli(f"{number}", [0, 1, 2], uid=[f"{split}{number}-{row}" for row in range(3)], reason=["", "", ""])
            write(mirror, f"facebook/anli/plain_text/{split}_r{number}", rows)


def write_union(mirror: Path) -> None:
    write_anli(mirror)
    for split, own in (("train", "train"), ("validation_matched", "dev")):
        write(mirror, f"nyu-mll/multi_nli/default/{split}", nli(own[0], [2, 1]))
    for split in ("train", "validation", "test"):
        write(mirror, f"stanfordnlp/snli/plain_text/{split}", nli("s", [0, -1, 1]))


def test_anli_is_its_three_rounds(mirror: Path) -> None:
    write_anli(mirror)
    rows = load_rows(get("anli"), "en", "train")
    assert [row["id"] for row in rows] == [f"train{number}-{row}" for number in (1, 2, 3) for row in range(3)]
    assert [row["label"] for row in rows] == [0, 1, 2] * 3
    assert len({row["group"] for row in rows}) == 3, "hypotheses of a premise go together"
    assert len(load_rows(get("anli"), "en", "test")) == 9


def test_snli_drops_pairs_without_a_label(mirror: Path) -> None:
    write(mirror, "stanfordnlp/snli/plain_text/train", nli("s", [0, -1, 1]))
    loaded = load(get("snli"), "en", "train")
    assert [(row["id"], row["label"]) for row in loaded.rows] == [("0", 0), ("2", 1)]
    assert loaded.dropped["no label that annotators agreed on"] == 1


def test_anli_plus_joins_anli_mnli_and_snli(mirror: Path) -> None:
    union = get("anli-plus")
    assert available(union) is not None, "nothing is there yet"
    write_union(mirror)
    assert available(union) is None
    loaded = load(union, "en", "train")
    assert [row["id"] for row in loaded.rows[8:]] == ["anli/train3-2", "mnli/0", "mnli/1", "snli/0", "snli/2"]
    groups = {row["group"] for row in loaded.rows}
    assert len(groups) == 5, "premises stay together, within their part"
    assert {group.partition("/")[0] for group in groups} == {"anli", "mnli", "snli"}
    assert sum(loaded.dropped.values()) == 1
    assert not union.has("test")
    before = pin_rows(union, "train", ("en",))
    assert pin_rows(union, "train", ("en",)) == before
    write(mirror, "stanfordnlp/snli/plain_text/train", nli("s", [0, 1]))
    assert pin_rows(union, "train", ("en",)) != before, "each part is pinned"


def test_labels_of_jnli_are_in_our_order(mirror: Path) -> None:
    columns = {"sentence_pair_id": ["a", "b", "c"], "sentence1": ["x", "y", "z"], "sentence2": ["x", "y", "z"],
               "label": [0, 1, 2]}  # fmt: skip
    write(mirror, "shunk031/JGLUE/JNLI/train", columns)
    jnli = get("jnli")
    assert [jnli.labels[row["label"]] for row in load_rows(jnli, "ja", "train")] == [
        "entailment", "contradiction", "neutral",
    ]  # fmt: skip


def test_heads_of_paraphrases_can_be_carried_from_one_to_the_other() -> None:
    assert get("qqp").labels == get("paws-x").labels
    assert get("paws-x").languages_of("test") == ("de", "en", "es", "fr", "ja", "ko", "zh")


def one(mirror: Path, name: str, place: str, row: dict[str, Any], language: str = "en") -> dict[str, Any]:
    write(mirror, place, {column: [value] for column, value in row.items()})
    (found,) = load_rows(get(name), language, "train")
    return found


def test_hellaswag_continues_its_context(mirror: Path) -> None:
    row = {"ind": 4, "ctx_a": "A man sits.", "ctx_b": "He", "ctx": "A man sits. He", "endings": ["sleeps.", "runs."],
           "label": "1"}  # fmt: skip
    found = one(mirror, "hellaswag", "Rowan/hellaswag/default/train", row)
    assert (found["context"], found["choices"], found["label"]) == ("A man sits.", ["He sleeps.", "He runs."], 1)
    row |= {"ctx_b": ""}
    assert one(mirror, "hellaswag", "Rowan/hellaswag/default/train", row)["choices"] == ["sleeps.", "runs."]
    row |= {"ctx_a": ""}
    found = one(mirror, "hellaswag", "Rowan/hellaswag/default/train", row)
    assert (found["context"], found["choices"]) == ("A man sits. He", ["sleeps.", "runs."])


def test_questions_stand_behind_their_context(mirror: Path) -> None:
    row = {"id": "w##x##y##Blog_7##q1##z", "context": "It rained .", "question": "Why ?", "label": 3}
    row |= {f"answer{number}": f"answer {number}" for number in range(4)}
    found = one(mirror, "cosmosqa", "allenai/cosmos_qa/default/train", row)
    assert (found["context"], found["question"], found["label"]) == ("It rained . Why ?", "", 3)
    assert (found["group"], found["choices"][3]) == ("Blog_7", "answer 3")
    row = {"context": "Jo left.", "question": "Why?", "answerA": "a", "answerB": "b", "answerC": "c", "label": "3"}
    found = one(mirror, "siqa", "allenai/social_i_qa/default/train", row)
    assert (found["context"], found["choices"], found["label"]) == ("Jo left. Why?", ["a", "b", "c"], 2)


def test_choices_whose_context_is_the_question(mirror: Path) -> None:
    choices = {"label": ["A", "B"], "text": ["bank", "river"]}
    row = {"id": "x", "question": "Where is money?", "question_concept": "money", "choices": choices, "answerKey": "B"}
    found = one(mirror, "csqa", "tau/commonsense_qa/default/train", row)
    assert (found["id"], found["context"], found["choices"], found["label"]) == (
        "x", "Where is money?", ["bank", "river"], 1,
    )  # fmt: skip
    row = {"q_id": 5, "question": "何？", "label": 4} | {f"choice{number}": str(number) for number in range(5)}
    found = one(mirror, "jcommonsenseqa", "shunk031/JGLUE/JCommonsenseQA/train", row, "ja")
    assert (found["id"], found["choices"], found["label"]) == ("5", ["0", "1", "2", "3", "4"], 4)


def test_hidden_answers_are_refused(mirror: Path) -> None:
    columns = {
        "id": ["x", "y"],
        "question": ["a?", "b?"],
        "choices": [{"label": ["A"], "text": ["c"]}] * 2,
        "answerKey": ["", ""],
    }
    write(mirror, "tau/commonsense_qa/default/test", columns)
    csqa = get("csqa")
    hidden = replace(csqa, source=replace(csqa.source, splits={"test": "test"}))
    with pytest.raises(DataError, match="csqa/en/test: labels are hidden"):
        load_rows(hidden, "en", "test")


def test_scores_of_stsb_are_0_to_1(mirror: Path) -> None:
    columns = {"sentence1": ["a", "b", "c"], "sentence2": ["d", "e", "f"]}
    scores = [5.0, 2.4000000953674316, 0.0]  # the second is 2.4 in single precision
    write(mirror, "PhilipMay/stsb_multi_mt/de/train", {**columns, "similarity_score": scores})
    assert [row["score"] for row in load_rows(get("stsb"), "de", "train")] == [1.0, 2.4 / 5, 0.0]
    write(mirror, "PhilipMay/stsb_multi_mt/de/train", {**columns, "similarity_score": [1.0, 5.5, 0.0]})
    with pytest.raises(DataError, match=r"stsb/de/train, row 1: score is 1\.1, expected 0 to 1"):
        load_rows(get("stsb"), "de", "train")


def test_text_is_read_in_one_language(mirror: Path) -> None:
    columns = {"id": ["p/0", "p/0", "p/1"], "lang": ["de", "en", "de"], "text": ["eins", "one", "zwei"]}
    write(mirror, "local/text-tldr/default/train", columns)
    rows = load_rows(get("tldr"), "de", "train")
    assert [(row["id"], row["text"]) for row in rows] == [("p/0", "eins"), ("p/1", "zwei")]
    wikipedia = get("wikipedia")
    assert wikipedia.languages_of("train") == XTREME_R
    assert wikipedia.source.configs_of("sw") == ("20231101.sw",)


def test_a_sentence_lies_between_its_neighbours(mirror: Path) -> None:
    texts = ["A. B? C! D.", "One. Two.", "一。二！三？", "So it is 3.5 m. Really! No."]
    columns = {"id": list("abcd"), "lang": ["en", "en", "en", "en"], "text": texts}
    write(mirror, "local/text-storybooks/default/train", columns)
    loaded = load(get("storybooks-neighbours"), "en", "train")
    assert [(row["id"], row["before"], row["text"], row["after"]) for row in loaded.rows] == [
        ("a", "B?", "C!", "D."),
        ("c", "一。", "二！", "三？"),
        ("d", "So it is 3.5 m.", "Really!", "No."),
    ]
    assert loaded.dropped.total() == 1


def test_cases_of_multichecklist_are_groups(mirror: Path) -> None:
    columns = {
        "id": ["0", "1", "2"],
        "case": ["0", "0", "1"],
        "context": ["Jo is older than Al.", "Jo is older than Al.", "A car."],
        "question": ["Who is old?", "Who is less old?", "What?"],
        "answer": ["Jo", "Al", "bus"],
    }
    write(mirror, "local/multichecklist/de/comp", columns)
    benchmark = get("multichecklist-comp")
    loaded = load(benchmark, "de", "test")
    assert [(row["group"], row["answers"], row["starts"]) for row in loaded.rows] == [
        ("0", ["Jo"], [0]),
        ("0", ["Al"], [17]),
    ]
    assert sum(loaded.dropped.values()) == 1, "an answer that no span of the context can give"
    answers = {"text": ["Jo"], "answer_start": [0]}
    row = {"id": "q", "title": "t", "context": "Jo is old.", "question": "Who?", "answers": answers}
    write(mirror, "rajpurkar/squad/plain_text/train", {column: [value] for column, value in row.items()})
    (trained,) = load_rows(benchmark, "en", "train")
    assert (trained["id"], trained["answers"], trained["starts"]) == ("q", ["Jo"], [0])
    assert len(benchmark.languages) == 50
