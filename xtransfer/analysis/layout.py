"""Writes predictions in the layout that evaluate.py of google-research/xtreme (838c13b) reads.

A file is `<folder>/test-<language>.<suffix>`, with one line per item in the order of the source's rows, or JSON keyed
by item. Texts are ASCII with JSON escapes, because the script opens files in the machine's default encoding.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from xtransfer.base.errors import DataError
from xtransfer.benchmarks.spec import Row

ENGLISH = "en-"  # prefix of the ids of BUCC's English sentences
MOST_ENTITIES = 20


@dataclass(frozen=True)
class Answers:
    """The predictions for a benchmark in one language, in the order of the source's rows."""

    place: str  # `xnli/de`, for errors
    labels: tuple[str, ...]  # the benchmark's label names
    ids: Sequence[str]
    values: Sequence[object]  # predictions; the form depends on the benchmark's kind
    rows: Sequence[Row] = ()  # the source's rows, if the form needs them

    def bad(self, number: int, expected: str) -> DataError:
        said = f"the prediction for '{self.ids[number]}' is {self.values[number]!r}"
        return DataError(f"{self.place}: {said}, expected {expected}; score it again")


@dataclass(frozen=True)
class Form:
    """How one benchmark is written."""

    benchmark: str
    folder: str
    suffix: str
    text: Callable[[Answers], str]  # contents of one language's file; raises DataError for an invalid prediction
    items: int | None = None  # per language in the label files, if all languages have the same number
    reads_rows: bool = False


def label_names(answers: Answers) -> str:
    """Returns one label name per line."""
    return _lines(answers.labels[number] for number in _numbers(answers, len(answers.labels)))


def label_numbers(answers: Answers) -> str:
    """Returns one label id per line."""
    return _lines(map(str, _numbers(answers, len(answers.labels))))


def choices(answers: Answers) -> str:
    """Returns one JSON object with the option's index per line."""
    return _lines(json.dumps({"label": number}) for number in _numbers(answers, 2))


def tags(answers: Answers) -> str:
    """Returns one tag per line, with an empty line between sentences."""
    sentences = []
    for number, value in enumerate(answers.values):
        if not (_texts(value) and value and all(tag and not set(tag) & set(" \t\r\n") for tag in value)):
            raise answers.bad(number, "a tag for each word")
        sentences.append("\n".join(value))
    return "\n\n".join(sentences) + "\n"


def texts(answers: Answers) -> str:
    """Returns JSON: the answer text of each question."""
    for number, value in enumerate(answers.values):
        if not isinstance(value, str):
            raise answers.bad(number, "a text")
    return _by_id(answers)


def entities(answers: Answers) -> str:
    """Returns JSON: at most 20 entities per mention, best first."""
    for number, value in enumerate(answers.values):
        if not _texts(value) or len(value) > MOST_ENTITIES:
            raise answers.bad(number, f"a list of at most {MOST_ENTITIES} entities")
    return _by_id(answers)


def mined_pairs(answers: Answers) -> str:
    """Returns one pair of sentence ids per line, foreign one first; rows without a partner give no line."""
    pairs = []
    for number, (own, value) in enumerate(zip(answers.ids, answers.values, strict=True)):
        partners = [] if value is None else value
        if not _texts(partners):
            raise answers.bad(number, "a list of sentence ids")
        for partner in partners:
            if own.startswith(ENGLISH) == partner.startswith(ENGLISH):
                raise answers.bad(number, f"ids from the other side (exactly one of a pair starts with '{ENGLISH}')")
            pairs.append((partner, own) if own.startswith(ENGLISH) else (own, partner))
    return _lines("\t".join(pair) for pair in dict.fromkeys(pairs))


def places_of_sentences(answers: Answers) -> str:
    """Returns, for each English sentence, the 0-based position of the foreign sentence that was retrieved.

    XTREME sorts the English side by code point to hide which sentences belong together, and keeps the foreign side in
    Tatoeba's order, which is the order of the rows of google/xtreme. So lines follow the sorted English sentences, and
    positions count rows. The label files for 36 languages that come with the script agree with this order.
    """
    if [row["id"] for row in answers.rows] != list(answers.ids):
        raise DataError(f"{answers.place}: the source's rows differ from those that were scored; run the study again")
    place_of = {name: place for place, name in enumerate(answers.ids)}
    found = []
    for number, value in enumerate(answers.values):
        if not isinstance(value, str) or value not in place_of:
            raise answers.bad(number, "the id of a row")
        found.append(place_of[value])
    order = sorted(range(len(answers.ids)), key=lambda number: answers.rows[number]["source"].strip())
    return _lines(str(found[number]) for number in order)


_FORMS = (
    Form("xnli", "xnli", "tsv", label_names, items=5010),
    Form("paws-x", "pawsx", "tsv", label_numbers, items=2000),
    Form("xcopa", "xcopa", "jsonl", choices, items=500),
    Form("udpos", "udpos", "tsv", tags),
    Form("panx", "panx", "tsv", tags),
    Form("xquad", "xquad", "json", texts, items=1190),
    Form("mlqa", "mlqa", "json", texts),
    Form("tydiqa", "tydiqa", "json", texts),
    Form("bucc", "bucc2018", "tsv", mined_pairs),
    Form("tatoeba", "tatoeba", "tsv", places_of_sentences, reads_rows=True),
    Form("mewsli-x", "mewslix", "json", entities),
)
FORMS = {form.benchmark: form for form in _FORMS}  # LAReQA has none: the public script does not read it


def _numbers(answers: Answers, below: int) -> list[int]:
    numbers = []
    for number, value in enumerate(answers.values):
        if type(value) is not int or not 0 <= value < below:
            raise answers.bad(number, f"a number from 0 to {below - 1}")
        numbers.append(value)
    return numbers


def _texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _by_id(answers: Answers) -> str:
    return json.dumps(dict(zip(answers.ids, answers.values, strict=True)), indent=0) + "\n"


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
