"""Kind `answers` by hand, and on XQuAD-R against utils_lareqa.py of google-research/xtreme at 838c13b."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.kinds.words import tokenizer
from xtransfer.benchmarks import get
from xtransfer.benchmarks.spec import Row
from xtransfer.data.load import load_rows
from xtransfer.kinds import answers
from xtransfer.metrics.metrics import METRICS


def _row(name: str, question: str, context: str, answer: str, breaks: list[int]) -> Row:
    start = context.index(answer)
    row = {"id": name, "group": name, "question": question, "context": context, "answer": answer, "start": start}
    return {**row, "sentence_breaks": breaks}


GERMAN = [
    _row("q1", "a", "b c d", "b", [0, 3, 4, 5]),
    _row("q2", "e", "b c d", "d", [0, 3, 4, 5]),
    _row("q3", "f", "g h g", "g", [0, 1, 2, 3, 4, 5]),
]
TURKISH = [_row("q2", "a a", "h g", "g", [0, 1, 2, 3])]


def test_together_pools_the_sentences_of_all_languages() -> None:
    rows = answers.together({"de": GERMAN, "tr": TURKISH})
    brought = [row["candidates"] for part in rows.values() for row in part]
    assert brought == [["de/q1/0", "de/q1/1"], [], ["de/q3/0", "de/q3/1", "de/q3/2"], ["tr/q2/0", "tr/q2/1"]]
    relevant = {row["id"]: row["relevant"] for row in rows["de"]}
    assert relevant == {"q1": ["de/q1/0"], "q2": ["de/q1/1", "tr/q2/1"], "q3": ["de/q3/0", "de/q3/2"]}
    assert answers.KIND.gold(get("lareqa"), rows["tr"][0]) == relevant["q2"]
    assert "relevant" not in GERMAN[0]


def test_together_of_one_language_has_its_own_answers_alone() -> None:
    rows = answers.together({"tr": TURKISH, "zh": []})
    assert rows["tr"][0]["relevant"] == ["tr/q2/1"]
    assert rows["zh"] == []


def test_encode_puts_question_first_and_each_sentence_with_its_paragraph() -> None:
    first, second, third = answers.encode(answers.together({"de": GERMAN})["de"], tokenizer(), 32)
    assert first.sequences == ((0, 4, 2), (0, 5, 6, 2, 2, 5, 6, 7, 2), (0, 7, 2, 2, 5, 6, 7, 2))
    assert second.sequences == ((0, 8, 2),)
    assert len(third.sequences) == 4
    assert answers.encode(GERMAN, tokenizer(), 32)[0].sequences == ((0, 4, 2),)


def test_encode_gives_segments_to_every_row() -> None:
    first, second, _ = answers.encode(answers.together({"de": GERMAN})["de"], tokenizer(types=True), 32)
    assert first.types is not None
    assert [len(one) for one in first.types] == [len(one) for one in first.sequences]
    assert second.types == ((0, 0, 0),)


def test_encode_cuts_questions_and_candidates_at_their_own_length() -> None:
    long = " ".join("abcdefgh" * 50)
    row = _row("q", long, long, "a", [0, len(long)])
    (encoded,) = answers.encode(answers.together({"de": [row]})["de"], tokenizer(), 512)
    assert [len(one) for one in encoded.sequences] == [96, 256]
    (encoded,) = answers.encode(answers.together({"de": [row]})["de"], tokenizer(), 100)
    assert [len(one) for one in encoded.sequences] == [96, 100]


def test_questions_look_in_the_pool_of_all_languages() -> None:
    rows = answers.together({"de": GERMAN[:2], "tr": TURKISH})
    vectors = {
        "de": [torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]), torch.tensor([[0.0, 1.0]])],
        "tr": [torch.tensor([[0.6, 0.8], [1.0, 0.0], [0.0, 1.0]])],
    }
    found = answers.find(vectors, rows, None)
    assert found["de"][0].value == ["tr/q2/0", "de/q1/0", "de/q1/1", "tr/q2/1"]
    assert found["de"][1].value == ["de/q1/1", "tr/q2/1", "de/q1/0", "tr/q2/0"]
    assert found["tr"][0].value[0] == "de/q1/0"
    assert found["de"][0].scores == pytest.approx((1.0, 0.8, 0.0, 0.0))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sentence_breaks": [0, 3, 4]}, "expected (start, end) pairs"),
        ({"sentence_breaks": [0, 9]}, "within the context's 5 characters"),
        ({"start": 1}, "answer 'b' does not occur in the context at character 1"),
        ({"sentence_breaks": [2, 5]}, "no sentence contains the answer"),
    ],
)
def test_check_names_what_is_wrong(change: dict[str, Any], says: str) -> None:
    assert answers.check(GERMAN[0]) is None
    assert says in str(answers.check({**GERMAN[0], **change}))


def _letters(text: str) -> np.ndarray:
    """A vector that any text has: how often its characters fall on each of 256 numbers."""
    numbers = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    counts = np.bincount((numbers * np.uint32(2654435761)) >> 24, minlength=256).astype(np.float32)
    return counts / np.linalg.norm(counts)


def _vectors(row: Row) -> torch.Tensor:
    breaks = zip(row["sentence_breaks"][::2], row["sentence_breaks"][1::2], strict=True)
    sentences = [row["context"][start:end] for start, end in breaks] if row["candidates"] else []
    pool = [_letters(sentence) + np.float32(0.25) * _letters(row["context"]) for sentence in sentences]
    return torch.tensor(np.array([_letters(row["question"]), *pool]))


def test_lareqa_has_the_published_counts(hub_dir: Path) -> None:
    lareqa = get("lareqa")
    rows = answers.together({code: load_rows(lareqa, code, "test") for code in lareqa.languages})
    everything = [row for part in rows.values() for row in part]
    assert len(everything) == 13_090
    assert sum(len(row["candidates"]) for row in everything) == 13_014
    assert len({name for row in everything for name in row["candidates"]}) == 13_014
    assert {len(row["relevant"]) for row in everything} == {11}
    assert [sum(len(row["candidates"]) for row in rows[code]) for code in ("th", "de")] == [852, 1276]


def test_lareqa_scores_as_xtreme_does(hub_dir: Path) -> None:
    rows = answers.together({code: load_rows(get("lareqa"), code, "test") for code in ("de", "en")})
    found = answers.find({code: [_vectors(row) for row in part] for code, part in rows.items()}, rows, None)
    golds = [row["relevant"] for part in rows.values() for row in part]
    values = [one.value for part in found.values() for one in part]
    assert METRICS["map@20"].compute(golds, values) == pytest.approx(8.821423556414418, abs=1e-9)
