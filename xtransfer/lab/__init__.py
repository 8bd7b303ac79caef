"""The laboratory world: small benchmarks in six real languages, generated from a grammar with known
semantics.

Everything is a pure function of its arguments: meanings are drawn once from seeded generators and realised in
each language, so the languages are parallel item by item. It is the embedded default, which needs no
download; scores on it say that the tool works and how transfer behaves in a world whose knowledge is known,
never how a language does.
"""

from __future__ import annotations

from typing import Any

from xtransfer.errors import RequestError, unknown
from xtransfer.lab import choice, inference, retrieval
from xtransfer.lab.grammar import LANGUAGES, realise
from xtransfer.lab.text import parallel_text, translation_text

__all__ = ["BENCHMARKS", "LANGUAGES", "REVISION", "parallel_text", "rows", "translation_text"]

REVISION = "lab-1"  # raise when any generated row or text changes
BENCHMARKS: dict[str, tuple[str, ...]] = {
    "lab-nli": ("train", "dev", "test"),
    "lab-inference": ("train", "dev", "test"),
    "lab-copa": ("train", "dev", "test"),
    "lab-retrieval": ("dev", "test"),
}


def rows(benchmark: str, language: str, split: str) -> list[dict[str, Any]]:
    """The rows of a benchmark in canonical form; `id` and `group` (the unit of resampling) agree across
    languages.

    Pairs: id, group, first, second, label (0 entailment, 1 neutral, 2 contradiction). Choices: id, group,
    context, question ("cause" or "effect"), choices, label. Retrieval: id, source, target (English).
    """
    if benchmark not in BENCHMARKS:
        raise unknown("laboratory benchmark", benchmark, BENCHMARKS)
    if language not in LANGUAGES:
        raise unknown(f"language of {benchmark}", language, LANGUAGES)
    if split not in BENCHMARKS[benchmark]:
        raise unknown(f"split of {benchmark}", split, BENCHMARKS[benchmark])
    if benchmark == "lab-copa":
        return _choice_rows(language, split)
    if benchmark == "lab-retrieval":
        return _retrieval_rows(language, split)
    return _pair_rows(benchmark, language, split)


def _pair_rows(benchmark: str, language: str, split: str) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{split}-{number}-{index}",
            "group": f"{split}-{number}",
            "first": realise(pair.first, language),
            "second": realise(pair.second, language),
            "label": pair.label,
        }
        for number, block in enumerate(inference.blocks()[benchmark, split])
        for index, pair in enumerate(block)
    ]


def _choice_rows(language: str, split: str) -> list[dict[str, Any]]:
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


def _retrieval_rows(language: str, split: str) -> list[dict[str, Any]]:
    if language == "en":
        raise RequestError("lab-retrieval has no language 'en': its rows are translations into English")
    return [
        {"id": f"{split}-{number}", "source": realise(text, language), "target": realise(text, "en")}
        for number, text in enumerate(retrieval.sentences()[split])
    ]
