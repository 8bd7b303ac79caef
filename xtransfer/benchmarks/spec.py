"""The declaration of a benchmark: everything that loading, encoding, training and scoring need to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from pydantic import ConfigDict, with_config

Row = dict[str, Any]  # Any: values are of the types in the kind's `fields`
Role = Literal["intermediate", "target"]
SplitName = Literal["train", "dev", "test"]
T = TypeVar("T")
_CHECKED = ConfigDict(revalidate_instances="always")  # for users' declarations, whose values may be of any type
SPLITS: tuple[SplitName, ...] = ("train", "dev", "test")


@with_config(_CHECKED)
@dataclass(frozen=True)
class Source:
    """Where rows come from: a data set on the hub (or in a mirror with its layout), or the laboratory world.

    `{language}` is replaced by the language code in path, config and split names.
    """

    path: str  # hub id, `local/<folder>` of a mirror, or `lab`
    revision: str | None = None  # hub commit or branch; None: main. Planning pins a branch to its commit
    config: str | tuple[str, ...] | Mapping[str, str] | None = None  # one, several to join, or one per language
    splits: Mapping[SplitName, str | tuple[str, ...]] = field(default_factory=dict)  # ours → the source's, joined
    languages: tuple[str, ...] | None = None  # the languages it has, if not all of the benchmark's
    keep: Callable[[Row, str], bool] | None = None  # whether a row is in a language, if a config has several

    def path_of(self, language: str) -> str:
        """Returns the data set for a language."""
        return self.path.format(language=language)

    def configs_of(self, language: str) -> tuple[str | None, ...]:
        """Returns the hub configurations for a language; their rows are joined in this order."""
        if isinstance(self.config, Mapping):
            return (self.config[language],)
        return tuple(config and config.format(language=language) for config in several(self.config))

    def splits_of(self, split: SplitName, language: str) -> tuple[str, ...]:
        """Returns the source's names for one of our splits; their rows are joined in this order."""
        return tuple(name.format(language=language) for name in several(self.splits[split]))


def several(value: T | tuple[T, ...]) -> tuple[T, ...]:
    return value if isinstance(value, tuple) else (value,)


@with_config(_CHECKED)
@dataclass(frozen=True)
class Benchmark:
    """One benchmark. To add one, declare such a value and list it in the index; nothing else changes.

    Columns have the source's names (or those that `adapt` returns).
    """

    name: str
    kind: str  # key of xtransfer.kinds.KINDS
    languages: tuple[str, ...]  # languages it is scored in (or trained in, if it has no test split)
    source: Source
    columns: Mapping[str, str | tuple[str, ...]]
    # canonical field → column; several columns make a list; `{language}` stands for the language code in a column
    metric: str  # key of xtransfer.metrics.metrics.METRICS, for selection and analysis; "": training only
    also: tuple[str, ...] = ()  # other metrics to record
    labels: tuple[str, ...] = ()  # label names in the order of their ids
    labels_from: str = ""  # instead: a file in the source's folder with one label per line (see inventory.py)
    label_values: Mapping[Any, int] | None = None  # the source's label (Any: of its type) → id, if it is not the id
    no_label: tuple[object, ...] = ()  # label values without annotator agreement; such rows are dropped and counted
    no_answer: bool = False  # whether questions may have no answer; otherwise, a row without one is an error
    chance: float | None = None  # score of a constant or random prediction, in points (0-100)
    roles: tuple[Role, ...] = ("intermediate", "target")
    licence: str = ""
    sources: Mapping[str, Source] = field(default_factory=dict)  # language or split → another source
    id: str | None = None  # column with the row's id; None: its number in the split
    group: str | int | None = None  # rows that belong together: a column, or a number of consecutive rows
    whole_groups: bool = False  # a limit on rows never cuts a group (for balanced blocks)
    adapt: Callable[[Row], Row | None] | None = None  # source row → row with `columns`; None drops the row
    pool: Source | None = None  # `test` rows without a language, added to any; columns as in `source`
    union: tuple[Benchmark, ...] = ()  # its rows are those of all these, with ids `<name>/<id>`; same kind and labels
    english: Benchmark | None = None  # whose English train and dev rows it has; same kind and labels
    share: tuple[int, int, str] | None = None  # (i, n, column): rows whose digest of the column is i modulo n
    taken_from: Mapping[str, str] = field(default_factory=dict)
    # column → the language whose value for the same id replaces a language's own, where `source` has it wrong
    note: str = ""  # what users must know: hidden labels, a different protocol
    caveat: str = ""  # a known fault of its rows, which reports show with its scores
    how_to_get: str = ""  # for data that is not on the hub: where to get it, and which layout to put it in

    @property
    def parts(self) -> tuple[Benchmark, ...]:
        """This benchmark and those whose rows it has."""
        return (self, *self.union, *([self.english] if self.english is not None else []))

    def read_as(self, split: SplitName, language: str) -> Benchmark:
        """Returns the benchmark by whose declaration the rows of a split in a language are read."""
        return self.english if self.english is not None and language == "en" and split != "test" else self

    def of_language(self, language: str) -> Benchmark:
        """Returns the benchmark with the columns of a language, if they differ by language."""
        if not any("{language}" in column for column in self.columns.values()):
            return self
        columns = {name: str(column).format(language=language) for name, column in self.columns.items()}
        return replace(self, columns=columns)

    def others_read(self, split: SplitName, language: str) -> tuple[str, ...]:
        """Returns the other languages whose rows are read for those of a language (see `taken_from`)."""
        own = self.source_of(split, language) is self.source
        return tuple(other for other in dict.fromkeys(self.taken_from.values()) if own and other != language)

    def source_of(self, split: SplitName, language: str | None = None) -> Source:
        """Returns the source of a split; a language's own source takes precedence over a split's."""
        if (declared := self.read_as(split, language or "")) is not self:
            return declared.source_of(split, language)
        return self.sources.get(language or "") or self.sources.get(split) or self.source

    def languages_of(self, split: SplitName) -> tuple[str, ...]:
        """Returns the languages of a split in the declared order; those of separate sources come last."""
        known = dict.fromkeys(self.languages)
        if self.english is not None:
            known["en"] = None
        for source in self.sources.values():
            known.update(dict.fromkeys(source.languages or ()))
        return tuple(language for language in known if self._in(language, split))

    def has(self, split: SplitName, language: str | None = None) -> bool:
        """Returns whether the split exists in a language, or in any."""
        return language in self.languages_of(split) if language else bool(self.languages_of(split))

    def _in(self, language: str, split: SplitName) -> bool:
        if (declared := self.read_as(split, language)) is not self:
            return declared.has(split, language)
        source = self.source_of(split, language)
        return split in source.splits and language in (source.languages or self.languages)
