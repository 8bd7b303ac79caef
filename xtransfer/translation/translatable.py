"""Decides which benchmarks can be translated and why others cannot: by kind, with some exceptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xtransfer import kinds
from xtransfer.base.errors import RequestError
from xtransfer.benchmarks.spec import Benchmark, Row, SplitName
from xtransfer.kinds.spec import Translatable

# Benchmarks that cannot be translated although others of their kind can
BENCHMARKS: Mapping[str, str] = {
    "ccg": "its tags are categories of English syntax, which do not fit words of another language",
    "mewsli-x-pairs": "marks in its texts show the mention, and translation loses them",
}


def why_not(benchmark: Benchmark, split: SplitName = "train", source: str = "en") -> str | None:
    """Returns why the rows of a split cannot be translated from `source`; None if they can."""
    if benchmark.name in BENCHMARKS:
        return BENCHMARKS[benchmark.name]
    translation = kinds.get(benchmark.kind).translation
    if isinstance(translation, str):
        return translation
    return None if benchmark.has(split, source) else f"it has no {split} rows in '{source}'"


def why_not_into_english(kind_name: str) -> str:
    """Returns why test rows of a kind cannot be scored in English (translate-test); empty if they can."""
    translation = kinds.get(kind_name).translation
    if isinstance(translation, Translatable) and (translation.as_label or translation.not_into_english):
        return translation.not_into_english
    return f"rows of kind {kind_name} are compared across languages or have no labels"


def translatable_kind(kind_name: str) -> Translatable:
    """Returns how rows of a kind are translated; raises RequestError with the reason if they cannot be."""
    translation = kinds.get(kind_name).translation
    if isinstance(translation, Translatable):
        return translation
    able = ", ".join(name for name, one in kinds.KINDS.items() if isinstance(one.translation, Translatable))
    raise RequestError(f"kind '{kind_name}' cannot be translated: {translation} (kinds that can be: {able})")


def moves_tags(benchmark: Benchmark) -> bool:
    """Returns whether translating a benchmark moves tags by word alignment."""
    return translatable_kind(benchmark.kind).how == "tags"


def check(benchmark: Benchmark, split: SplitName = "train", source: str = "en", *, align_tags: bool = False) -> None:
    """Raises RequestError with the reason if the rows of a split cannot be translated from `source`."""
    if reason := why_not(benchmark, split, source):
        raise RequestError(f"{benchmark.name} cannot be translated: {reason}")
    if moves_tags(benchmark) and not align_tags:
        raise RequestError(
            f"{benchmark.name} has a tag for each word, and a translation has other words: set align_tags to move the "
            "tags by word alignment; rows that lose an entity are dropped"
        )


def texts_of(kind_name: str, row: Row) -> list[str]:
    """Returns the texts of a row that are translated, in order; a list of tagged words as one text."""
    kind = translatable_kind(kind_name)
    if kind.how == "tags":
        return [" ".join(row[field]) for field in kind.fields]
    return texts_in(row, kind.fields)


def texts_in(row: Row, fields: Sequence[str]) -> list[str]:
    """Returns the texts in some fields of a row, in order."""
    return [text for field in fields for text in (row[field] if isinstance(row[field], list) else [row[field]])]
