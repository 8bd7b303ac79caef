"""Which kinds of benchmark can be translated and how, and why others cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from xtransfer.base.errors import RequestError
from xtransfer.benchmarks.spec import Benchmark, Row, SplitName

How = Literal["texts", "answers", "tags"]


@dataclass(frozen=True)
class Translatable:
    """How the rows of a kind are translated.

    `texts`: each text of the fields by itself. `answers`: also, each answer is found in the translated context
    (`answers`). `tags`: tags are moved by word alignment (`tags`), which a study must ask for.
    """

    fields: tuple[str, ...]  # that hold a text or a list of texts
    how: How = "texts"
    some_empty: bool = False  # whether a source text may be empty
    as_label: bool = False  # whether the answer is a label, an option or a number, the same in every language


@dataclass(frozen=True)
class NotTranslatable:
    reason: str


_FINDS_TRANSLATIONS = "its task is to find translations, which machine translation would give away"
_NEVER_TRAINED = "it is for scoring only, not for training"
KINDS: Mapping[str, Translatable | NotTranslatable] = {
    "pair": Translatable(("first", "second"), as_label=True),
    "dual-pair": Translatable(("first", "second"), as_label=True),
    "sts": Translatable(("first", "second"), as_label=True),
    "choice": Translatable(("context", "choices"), as_label=True),
    "ranking": Translatable(("source", "target", "context"), some_empty=True),
    "response": Translatable(("source", "target")),
    "neighbours": Translatable(("before", "text", "after")),
    "mlm": Translatable(("text",)),
    "span": Translatable(("context", "question"), "answers"),
    "tags": Translatable(("tokens",), "tags"),
    "nearness": NotTranslatable(_NEVER_TRAINED),
    "bitext": NotTranslatable(_FINDS_TRANSLATIONS),
    "mining": NotTranslatable(_FINDS_TRANSLATIONS),
    "answers": NotTranslatable(_NEVER_TRAINED),
    "entities": NotTranslatable(_NEVER_TRAINED),
}
_NO_LABEL = {
    "span": "an answer found in the English translation cannot be compared with answers in another language",
    "tags": "tags belong to words of the original, and the translation has other words",
}
# Benchmarks that cannot be translated although others of their kind can
BENCHMARKS: Mapping[str, str] = {
    "ccg": "its tags are categories of English syntax, which do not fit words of another language",
    "mewsli-x-pairs": "marks in its texts show the mention, and translation loses them",
}


def why_not(benchmark: Benchmark, split: SplitName = "train", source: str = "en") -> str | None:
    """Why the rows of a split cannot be translated from `source`; None where they can."""
    kind = KINDS[benchmark.kind]
    if benchmark.name in BENCHMARKS:
        return BENCHMARKS[benchmark.name]
    if isinstance(kind, NotTranslatable):
        return kind.reason
    return None if benchmark.has(split, source) else f"it has no {split} rows in '{source}'"


def why_not_into_english(kind_name: str) -> str:
    """Why test rows of a kind cannot be scored on their translation into English (translate-test); empty where they
    can."""
    kind = KINDS[kind_name]
    if isinstance(kind, Translatable) and kind.as_label:
        return ""
    return _NO_LABEL.get(kind_name, f"rows of kind {kind_name} are compared across languages or have no labels")


def translatable_kind(kind_name: str) -> Translatable:
    """How rows of a kind are translated; raises RequestError with the reason where they cannot be."""
    kind = KINDS.get(kind_name)
    if isinstance(kind, Translatable):
        return kind
    able = ", ".join(name for name, one in KINDS.items() if isinstance(one, Translatable))
    reason = kind.reason if kind is not None else "there is no such kind"
    raise RequestError(f"kind '{kind_name}' cannot be translated: {reason} (kinds that can be: {able})")


def moves_tags(benchmark: Benchmark) -> bool:
    """Whether translating a benchmark moves tags by word alignment."""
    return translatable_kind(benchmark.kind).how == "tags"


def check(benchmark: Benchmark, split: SplitName = "train", source: str = "en", *, align_tags: bool = False) -> None:
    """Raises RequestError with the reason where the rows of a split cannot be translated from `source`."""
    if reason := why_not(benchmark, split, source):
        raise RequestError(f"{benchmark.name} cannot be translated: {reason}")
    if moves_tags(benchmark) and not align_tags:
        raise RequestError(
            f"{benchmark.name} has a tag for each word, and a translation has other words: set align_tags to move the "
            "tags by word alignment; rows that lose an entity are dropped"
        )


def texts_of(kind_name: str, row: Row) -> list[str]:
    """The texts of a row that are translated, in order; a list of tagged words as one text."""
    kind = translatable_kind(kind_name)
    if kind.how == "tags":
        return [" ".join(row[field]) for field in kind.fields]
    return texts_in(row, kind.fields)


def texts_in(row: Row, fields: Sequence[str]) -> list[str]:
    """The texts in some fields of a row, in order."""
    return [text for field in fields for text in (row[field] if isinstance(row[field], list) else [row[field]])]
