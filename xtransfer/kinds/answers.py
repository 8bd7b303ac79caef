"""Kind `answers`: retrieve the sentences that answer a question from one pool of all languages (LAReQA on XQuAD-R).

The candidates are all sentences of all paragraphs in all languages scored together. The correct ones are the
sentences that contain the answer to the same question, in every language. A sentence that occurs twice in a
paragraph counts as two correct candidates, as in google-research/xtreme's utils_lareqa.py. A candidate is encoded
as a text pair: the sentence, then its paragraph. The row of a paragraph's first question carries the candidates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

from xtransfer.benchmarks.spec import Row
from xtransfer.kinds.prompts import as_passage, as_query
from xtransfer.kinds.spec import NEVER_TRAINED, Encoded, Kind, Languages, Prediction, Retrieval, Vectors
from xtransfer.kinds.tokens import tokenize
from xtransfer.metrics.mean_ap import DEPTH

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

QUESTION_TOKENS, CANDIDATE_TOKENS = 96, 256  # XTREME-R's limits; a smaller `max_length` applies to both


def together(rows: Languages) -> dict[str, list[Row]]:
    """Returns the rows with two more fields.

    `candidates` holds the ids of the sentences a row adds to the pool, `relevant` the ids of its correct sentences.
    """
    relevant: dict[str, list[str]] = {}
    pooled: dict[str, list[Row]] = {}
    for language, part in rows.items():
        first: dict[str, str] = {}  # paragraph → id of its first question
        pooled[language] = []
        for row in part:
            paragraph = f"{language}/{first.setdefault(row['context'], row['id'])}"
            sentences = _sentences(row)
            ids = [f"{paragraph}/{place}" for place, _ in enumerate(sentences)]
            answer = sentences[_place_of_answer(row)]
            right = relevant.setdefault(row["id"], [])
            right += [name for name, sentence in zip(ids, sentences, strict=True) if sentence == answer]
            brings = first[row["context"]] == row["id"]
            pooled[language].append({**row, "candidates": ids if brings else [], "relevant": right})
    return pooled


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Encodes each row as its question, followed by the candidates it adds to the pool."""
    brought = [[as_passage(row, one) for one in _sentences(row)] if row.get("candidates") else [] for row in rows]
    paragraphs = [row["context"] for row, sentences in zip(rows, brought, strict=True) for _ in sentences]
    asked = [as_query(row, row["question"]) for row in rows]
    questions, types = tokenize(asked, None, tokenizer, min(max_length, QUESTION_TOKENS))
    candidates = tokenize(list(chain(*brought)), paragraphs, tokenizer, min(max_length, CANDIDATE_TOKENS))
    more, more_types = iter(candidates[0]), iter(candidates[1] or ())
    encoded = []
    for number, sentences in enumerate(brought):
        sequences = (questions[number], *islice(more, len(sentences)))
        segments = (types[number], *islice(more_types, len(sentences))) if types is not None else None
        encoded.append(Encoded(sequences, segments, None))
    return encoded


def find(vectors: Mapping[str, Vectors], rows: Languages, calibrated: None) -> dict[str, list[Prediction]]:
    """Returns, for each question, the ids of the 20 nearest candidates in the pool."""
    from xtransfer.kinds.nearest_search import ranked

    names = [name for part in rows.values() for row in part for name in row["candidates"]]
    pool = [vector for part in vectors.values() for own in part for vector in own[1:]]
    return {language: ranked([own[0] for own in part], pool, names, DEPTH) for language, part in vectors.items()}


def _breaks(row: Row) -> list[tuple[int, int]]:
    """Returns (start, end) of each sentence in the paragraph, in characters."""
    return list(zip(row["sentence_breaks"][::2], row["sentence_breaks"][1::2], strict=True))


def _sentences(row: Row) -> list[str]:
    return [row["context"][start:end] for start, end in _breaks(row)]


def _place_of_answer(row: Row) -> int:
    """Returns the index of the sentence where the answer starts, or -1 if no sentence contains its start."""
    within = (place for place, (start, end) in enumerate(_breaks(row)) if start <= row["start"] < end)
    return next(within, -1)


def check(row: Row) -> str | None:
    """Returns what is wrong with a row, or None if it is valid."""
    flat, text = row["sentence_breaks"], row["context"]
    if len(flat) % 2 or any(not 0 <= start < end <= len(text) for start, end in _breaks(row)):
        return f"sentence_breaks is {flat}, expected (start, end) pairs within the context's {len(text)} characters"
    if text[row["start"] : row["start"] + len(row["answer"])] != row["answer"]:
        return f"answer {row['answer']!r} does not occur in the context at character {row['start']}"
    if _place_of_answer(row) < 0:
        return f"no sentence contains the answer, which starts at character {row['start']}"
    return None


KIND = Kind(
    name="answers",
    fields={"question": str, "context": str, "answer": str, "start": int, "sentence_breaks": list[int]},
    about="questions, each to be matched with its answer among the answers of every language",
    encode=encode,
    prompts=True,
    retrieval=Retrieval(find),
    together=together,
    shape="rankings",
    gold=lambda benchmark, row: row["relevant"],
    check=check,
    translation=NEVER_TRAINED,
    shown=("question",),
)
