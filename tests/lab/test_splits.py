"""Splits share nothing, languages are parallel, and the same call always gives the same rows."""

from __future__ import annotations

from typing import Any

import pytest

from xtransfer import lab
from xtransfer.base.digest import digest
from xtransfer.base.errors import RequestError
from xtransfer.lab.choice import LAW_OF_SPLIT
from xtransfer.lab.events import CAUSES, CHOICE_STATES, LAW_STATES

EVERYTHING = [(name, split) for name, splits in lab.BENCHMARKS.items() for split in splits]
WITHOUT_ENGLISH = {("lab-retrieval", "en"), ("lab-parallel", "en")}  # their rows are translations into English
FIRST = ("lab-nli", "lab-inference", "lab-copa", "lab-retrieval")  # benchmarks that the first digest is of


def pairs(benchmark: str, split: str) -> set[tuple[str, str]]:
    return {(row["first"], row["second"]) for row in lab.rows(benchmark, "en", split)}


def test_no_inference_pair_occurs_in_two_splits_or_in_both_benchmarks() -> None:
    found = [pairs(name, split) for name in ("lab-nli", "lab-inference") for split in ("train", "dev", "test")]
    assert len(set.union(*found)) == sum(len(each) for each in found)
    assert sum(len(each) for each in found) == 4800 + 480 + 480 + 144 + 480 + 720


def test_the_laws_of_lab_copa_are_held_out() -> None:
    laws = {split: {(CAUSES[state][index], state) for state in CHOICE_STATES} for split, index in LAW_OF_SPLIT.items()}
    assert len(set.union(*laws.values())) == 24
    assert not set(LAW_STATES) & set(CHOICE_STATES)


def test_the_contexts_of_lab_copa_follow_the_declared_laws() -> None:
    seen: dict[str, set[str]] = {}
    for split in ("train", "dev", "test"):
        effects = [row for row in lab.rows("lab-copa", "en", split) if row["question"] == "effect"]
        seen[split] = {row["context"].split(" ", 2)[2] for row in effects}
    assert not seen["train"] & (seen["dev"] | seen["test"])
    assert not seen["dev"] & seen["test"]
    assert all(len(events) == 8 for events in seen.values())


def test_no_retrieval_sentence_occurs_in_two_splits() -> None:
    dev, test = ({row["target"] for row in lab.rows("lab-retrieval", "de", split)} for split in ("dev", "test"))
    assert not dev & test
    assert (len(dev), len(test)) == (200, 400)


@pytest.mark.parametrize(("benchmark", "split"), EVERYTHING)
def test_languages_are_parallel_item_by_item(benchmark: str, split: str) -> None:
    def skeleton(row: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name in ("id", "group", "label", "question")}

    languages = [language for language in lab.LANGUAGES if (benchmark, language) not in WITHOUT_ENGLISH]
    rows = [lab.rows(benchmark, language, split) for language in languages]
    assert all([skeleton(row) for row in each] == [skeleton(row) for row in rows[0]] for each in rows)
    assert len({row["id"] for row in rows[0]}) == len(rows[0]) > 0


@pytest.mark.parametrize("language", lab.LANGUAGES)
def test_two_meanings_never_share_a_sentence(language: str) -> None:
    """As many distinct sentences in each language as in English: nothing is lost in translation."""
    texts = lab.parallel_text(3000)
    assert len({text[language] for text in texts}) == len({text["en"] for text in texts})


def test_evaluated_sentences_are_not_in_unlabelled_text() -> None:
    texts = [*lab.parallel_text(15000), *lab.translation_text(3000, seed=0)]
    for language in lab.LANGUAGES:
        seen = {text[language] for text in texts}
        for benchmark in ("lab-nli", "lab-inference"):
            for split in ("dev", "test"):
                rows = lab.rows(benchmark, language, split)
                assert not {f"{row['first']} {row['second']}" for row in rows} & seen
                assert benchmark == "lab-nli" or not {row["first"] for row in rows} & seen
        for split in ("dev", "test"):
            items = {
                tuple(sorted((row["context"], row["choices"][row["label"]])))
                for row in lab.rows("lab-copa", language, split)
            }
            assert not {" ".join(order) for item in items for order in (item, item[::-1])} & seen
            if language != "en":
                assert not {row["source"] for row in lab.rows("lab-retrieval", language, split)} & seen


def test_a_longer_text_begins_with_the_shorter_one() -> None:
    assert lab.parallel_text(50) == lab.parallel_text(80)[:50]
    assert lab.translation_text(50, seed=1) == lab.translation_text(80, seed=1)[:50]
    assert lab.parallel_text(50, seed=1) != lab.parallel_text(50, seed=2)


def test_rows_are_the_ones_of_this_revision() -> None:
    """When this fails, rows or texts changed: raise lab.REVISION and renew the digest."""
    first, later = (
        [
            lab.rows(name, language, split)
            for name, split in EVERYTHING
            for language in lab.LANGUAGES
            if (name in FIRST) == is_first and (name, language) not in WITHOUT_ENGLISH
        ]
        for is_first in (True, False)
    )
    texts = [lab.parallel_text(500), lab.translation_text(500, seed=0)]
    assert (lab.REVISION, digest(first, texts)) == ("lab-1", "a90acb5fd9fc4746c130ccff9732353b")
    assert (lab.REVISION, digest(later)) == ("lab-1", "e823bb1fc42911bff1300f8b36276bf6")


@pytest.mark.parametrize(
    ("benchmark", "language", "split", "said"),
    [
        ("lab-nly", "en", "test", "did you mean 'lab-nli'"),
        ("lab-nli", "xx", "test", "language of lab-nli 'xx'"),
        ("lab-retrieval", "de", "train", "known: dev, test"),
        ("lab-retrieval", "en", "test", "translations into English"),
    ],
)
def test_an_unknown_request_is_refused(benchmark: str, language: str, split: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        lab.rows(benchmark, language, split)
