"""The laboratory world: small benchmarks in six real languages, generated from a grammar with known semantics.

Everything is a pure function of its arguments. Meanings are drawn once from seeded generators and realised in each
language, so languages are parallel item by item. It is built in and needs no download. Scores on it show that the tool
works, and how transfer behaves in a world whose knowledge is known; they do not measure real languages.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeAlias

from xtransfer.base.errors import RequestError, unknown
from xtransfer.lab import choice, inference, retrieval, statements
from xtransfer.lab.grammar import LANGUAGES, realise
from xtransfer.lab.stories import stories
from xtransfer.lab.text import parallel_text, translation_text

__all__ = ["BENCHMARKS", "LANGUAGES", "REVISION", "parallel_text", "rows", "translation_text"]

Rows: TypeAlias = list[dict[str, object]]
REVISION = "lab-1"  # increase it when any generated row or text changes
BENCHMARKS: dict[str, tuple[str, ...]] = {
    "lab-nli": ("train", "dev", "test"),
    "lab-inference": ("train", "dev", "test"),
    "lab-copa": ("train", "dev", "test"),
    "lab-retrieval": ("dev", "test"),
    "lab-text": ("train",),
    "lab-parallel": ("train", "dev", "test"),
    "lab-nli-dual": ("train", "dev", "test"),
    "lab-statements": ("train", "dev", "test"),
    "lab-stories": ("train",),
    "lab-responses": ("train",),
}
_INTO_ENGLISH = ("lab-retrieval", "lab-parallel")
_NUM_TEXTS = 2000  # of lab-text and lab-parallel
_TEXT_SEED, _PARALLEL_SEED = 101, 102  # encoders are pretrained on texts with other seeds: 0, 1, 2


def rows(benchmark: str, language: str, split: str) -> Rows:
    """Returns the rows of a benchmark in canonical form; `id` and `group` (for resampling) agree across languages.

    Pairs: id, group, first, second, label (0 entailment, 1 neutral, 2 contradiction). Choices: id, group, context,
    question ("cause" or "effect"), choices, label. Retrieval: id, source, target (English); lab-parallel also an empty
    context. Text: id, text. Stories: id, before, text, after; responses: id, source, target. Raises RequestError for
    an unknown benchmark, language or split.
    """
    if benchmark not in BENCHMARKS:
        raise unknown("laboratory benchmark", benchmark, BENCHMARKS)
    if language not in LANGUAGES:
        raise unknown(f"language of {benchmark}", language, LANGUAGES)
    if split not in BENCHMARKS[benchmark]:
        raise unknown(f"split of {benchmark}", split, BENCHMARKS[benchmark])
    if language == "en" and benchmark in _INTO_ENGLISH:
        raise RequestError(f"{benchmark} has no language 'en', since its rows are translations into English")
    if benchmark in _MAKERS:
        return _MAKERS[benchmark](language, split)
    return _pair_rows(benchmark.removesuffix("-dual"), language, split)


def _pair_rows(benchmark: str, language: str, split: str) -> Rows:
    blocks = statements.blocks()[split] if benchmark == "lab-statements" else inference.blocks()[benchmark, split]
    return [
        {
            "id": f"{split}-{number}-{index}",
            "group": f"{split}-{number}",
            "first": realise(pair.first, language),
            "second": realise(pair.second, language),
            "label": pair.label,
        }
        for number, block in enumerate(blocks)
        for index, pair in enumerate(block)
    ]


def _choice_rows(language: str, split: str) -> Rows:
    return [
        {
            "id": f"{split}-{number}-{index}",
            "group": f"{split}-{number}",
            "context": realise(item.context, language),
            "question": item.question,
            "choices": [realise(alternative, language) for alternative in item.choices],
            "label": item.label,
        }
        for number, group in enumerate(choice.groups(split))
        for index, item in enumerate(group)
    ]


def _retrieval_rows(language: str, split: str) -> Rows:
    return [
        {"id": f"{split}-{number}", "source": realise(text, language), "target": realise(text, "en")}
        for number, text in enumerate(retrieval.sentences()[split])
    ]


def _text_rows(language: str, split: str) -> Rows:
    texts = _texts(_TEXT_SEED)
    return [{"id": f"{split}-{number}", "text": text[language]} for number, text in enumerate(texts)]


def _parallel_rows(language: str, split: str) -> Rows:
    """Returns distinct texts for training; for scoring, the sentences of lab-retrieval."""
    if split != "train":
        return [{**row, "context": ""} for row in _retrieval_rows(language, split)]
    texts = {text["en"]: text for text in _texts(_PARALLEL_SEED)}
    return [
        {"id": f"{split}-{number}", "source": text[language], "target": text["en"], "context": ""}
        for number, text in enumerate(texts.values())
    ]


@functools.lru_cache(maxsize=2)
def _texts(seed: int) -> list[dict[str, str]]:
    return parallel_text(_NUM_TEXTS, seed)


def _story_rows(language: str, split: str) -> Rows:
    return [
        {"id": f"{split}-{number}", **{place: realise(getattr(one, place), language) for place in _PLACES}}
        for number, one in enumerate(stories())
    ]


def _response_rows(language: str, split: str) -> Rows:
    """Returns events and the states they cause."""
    rows = _story_rows(language, split)
    return [{"id": row["id"], "source": row["before"], "target": row["text"]} for row in rows]


_PLACES = ("before", "text", "after")
_MAKERS: dict[str, Callable[[str, str], Rows]] = {
    "lab-copa": _choice_rows,
    "lab-retrieval": _retrieval_rows,
    "lab-text": _text_rows,
    "lab-parallel": _parallel_rows,
    "lab-stories": _story_rows,
    "lab-responses": _response_rows,
}
