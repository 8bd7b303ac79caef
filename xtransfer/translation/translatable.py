"""Which kinds of benchmark can be translated, and how; why the others cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from xtransfer.base.errors import RequestError
from xtransfer.benchmarks.spec import Benchmark, Row, SplitName

How = Literal["texts", "answers", "tags"]


@dataclass(frozen=True)
class Way:
    """How the rows of a kind are put into another language.

    `texts`: the fields are translated, each text by itself. `answers`: beside them, each answer is found in the
    translated context (`answers`). `tags`: words are aligned (`tags`), which a study must ask for.
    """

    fields: tuple[str, ...]  # a text or a list of texts each; labels and names of questions are none
    how: How = "texts"
    some_empty: bool = False  # whether a text may be empty in the source, too
    as_label: bool = False  # whether an answer is a label, an option or a number: the same in every language


@dataclass(frozen=True)
class WhyNot:
    reason: str


_NEVER_TRAINED = "it is scored only, and nothing is trained on it"
KINDS: Mapping[str, Way | WhyNot] = {
    "pair": Way(("first", "second"), as_label=True),
    "dual-pair": Way(("first", "second"), as_label=True),
    "sts": Way(("first", "second"), as_label=True),
    "choice": Way(("context", "choices"), as_label=True),
    "ranking": Way(("source", "target", "context"), some_empty=True),
    "response": Way(("source", "target")),
    "neighbours": Way(("before", "text", "after")),
    "mlm": Way(("text",)),
    "span": Way(("context", "question"), "answers"),
    "tags": Way(("tokens",), "tags"),
    "nearness": WhyNot(_NEVER_TRAINED),
    "bitext": WhyNot("its rows are sentences beside their translations: a machine's would be what it asks for"),
    "mining": WhyNot("its rows are sentences whose translations are looked for: a machine's would be what it asks for"),
    "answers": WhyNot(_NEVER_TRAINED),
    "entities": WhyNot(_NEVER_TRAINED),
}
_NO_LABEL = {
    "span": "an answer found in the translated text is English, and the answers that it would be compared with are not",
    "tags": "tags are for the words of the language, and the translation has others",
}
# Benchmarks whose rows do not survive although others of their kind do
BENCHMARKS: Mapping[str, str] = {
    "ccg": "its tags are categories of English syntax, which the words of another language do not have",
    "mewsli-x-pairs": "marks in its texts say which words are the mention, and a translator loses them",
}


def why_not(benchmark: Benchmark, split: SplitName = "train", source: str = "en") -> str | None:
    """Why the rows of a split cannot be translated from a language; None where they can."""
    way = KINDS[benchmark.kind]
    if benchmark.name in BENCHMARKS:
        return BENCHMARKS[benchmark.name]
    if isinstance(way, WhyNot):
        return way.reason
    return None if benchmark.has(split, source) else f"it has no {split} rows in '{source}'"


def why_not_into_english(kind_name: str) -> str:
    """Why test rows of a kind cannot be scored on their translation to English (translate-test); empty where they
    can."""
    way = KINDS[kind_name]
    if isinstance(way, Way) and way.as_label:
        return ""
    return _NO_LABEL.get(kind_name, f"rows of kind {kind_name} are compared across languages, or have no answers")


def way_of(kind_name: str) -> Way:
    """How rows of a kind are translated; raises RequestError with the reason where they are not."""
    way = KINDS.get(kind_name)
    if isinstance(way, Way):
        return way
    able = ", ".join(name for name, one in KINDS.items() if isinstance(one, Way))
    reason = way.reason if way is not None else "there is no such kind"
    raise RequestError(f"kind '{kind_name}' cannot be translated: {reason} (can be: {able})")


def moves_tags(benchmark: Benchmark) -> bool:
    """Whether a translation of it has tags that were moved by word alignment."""
    return way_of(benchmark.kind).how == "tags"


def check(benchmark: Benchmark, split: SplitName = "train", source: str = "en", *, align_tags: bool = False) -> None:
    """Raises RequestError where the rows of a split cannot be translated from a language, with the reason."""
    if reason := why_not(benchmark, split, source):
        raise RequestError(f"{benchmark.name} cannot be translated: {reason}")
    if moves_tags(benchmark) and not align_tags:
        raise RequestError(
            f"{benchmark.name} has a tag for each word, and a translation has other words: set align_tags to move the "
            "tags by word alignment; rows that lose an entity are left out"
        )


def texts_of(kind_name: str, row: Row) -> list[str]:
    """The texts of a row that are translated, in their order; words as one text."""
    way = way_of(kind_name)
    if way.how == "tags":
        return [" ".join(row[field]) for field in way.fields]
    return texts_in(row, way.fields)


def texts_in(row: Row, fields: Sequence[str]) -> list[str]:
    """The texts that stand in some fields of a row, in their order."""
    return [text for field in fields for text in (row[field] if isinstance(row[field], list) else [row[field]])]
