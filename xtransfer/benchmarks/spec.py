"""What a benchmark declares: everything that loading, encoding, training and scoring need to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Row = dict[str, Any]
Role = Literal["intermediate", "target"]
SplitName = Literal["train", "dev", "test"]
RETRIEVAL = ("bitext", "mining", "answers", "entities", "ranking", "nearness")  # kinds that compare vectors
CALIBRATED = ("mining",)  # of these, the ones that set a threshold on the dev split
SPLITS: tuple[SplitName, ...] = ("train", "dev", "test")


@dataclass(frozen=True)
class Source:
    """Where rows come from: a data set of the hub (or a mirror in its layout), or the laboratory world.

    `{language}` is filled in wherever it stands in path, config or split names.
    """

    path: str  # hub id, `local/<folder>` of a mirror, or `lab`
    revision: str | None = None  # hub commit or branch; None: main. A branch is pinned when a plan is made
    config: str | tuple[str, ...] | Mapping[str, str] | None = None  # one, several joined, or one per language
    splits: Mapping[SplitName, str | tuple[str, ...]] = field(default_factory=dict)  # ours → the source's, joined
    languages: tuple[str, ...] | None = None  # what it holds, where that is not all the benchmark's languages
    keep: Callable[[Row, str], bool] | None = None  # whether a row is of a language, where one config has several

    def path_of(self, language: str) -> str:
        """The data set that holds a language."""
        return self.path.format(language=language)

    def configs_of(self, language: str) -> tuple[str | None, ...]:
        """The hub configurations that hold a language; their rows are joined in this order."""
        if isinstance(self.config, Mapping):
            return (self.config[language],)
        return tuple(config and config.format(language=language) for config in _several(self.config))

    def splits_of(self, split: SplitName, language: str) -> tuple[str, ...]:
        """The source's names of one of our splits; their rows are joined in this order."""
        return tuple(str(name).format(language=language) for name in _several(self.splits[split]))


def _several(value: str | tuple[str, ...] | None) -> tuple[str | None, ...]:
    return value if isinstance(value, tuple) else (value,)


@dataclass(frozen=True)
class Benchmark:
    """One benchmark. A new one is one such value in the index; nothing else is edited.

    Columns are named as the source names them (as `adapt` returns them, where there is one).
    """

    name: str
    kind: str  # key of xtransfer.kinds.KINDS
    languages: tuple[str, ...]  # what it is scored in (or trained in, where it has no test split)
    source: Source
    columns: Mapping[str, str | tuple[str, ...]]
    # canonical field → column; several columns make a list; `{language}` is filled in where a column is a language's
    metric: str  # key of xtransfer.metrics.metrics.METRICS: what selection and analysis read; "": only trained on
    also: tuple[str, ...] = ()  # further metrics that are recorded
    labels: tuple[str, ...] = ()  # label names in the order of their ids
    labels_from: str = ""  # instead: a file in the folder of the source with a label a line (see inventory.py)
    label_values: Mapping[Any, int] | None = None  # the source's label value → id, where they are not ids
    no_label: tuple[Any, ...] = ()  # label values where annotators did not agree: rows dropped and counted
    no_answer: bool = False  # whether some questions have none; elsewhere a row without an answer is an error
    chance: float | None = None  # score of a constant or random prediction, in points (0-100)
    roles: tuple[Role, ...] = ("intermediate", "target")
    licence: str = ""
    sources: Mapping[str, Source] = field(default_factory=dict)  # language or split → where it lives instead
    id: str | None = None  # column that names a row; None: its number in the split
    group: str | int | None = None  # rows that belong together: a column, or so many consecutive rows
    whole_groups: bool = False  # a limit on rows never cuts a group (blocks that are balanced as wholes)
    adapt: Callable[[Row], Row | None] | None = None  # source row → row with `columns`; None drops the row
    pool: Source | None = None  # its `test`: rows of no language, read with those of any; columns as of `source`
    union: tuple[Benchmark, ...] = ()  # its rows are those of all these, with ids `<name>/<id>`; same kind and labels
    share: tuple[int, int, str] | None = None  # (i, of, column): rows whose digest of it is i modulo `of`
    note: str = ""  # what a user must know: hidden labels, a different protocol
    how_to_get: str = ""  # for data that no hub may give out: where a user asks for it, and the layout to put it in

    @property
    def retrieves(self) -> bool:
        """Whether it is scored by comparing vectors; nothing needs to be trained for that."""
        return self.kind in RETRIEVAL

    @property
    def calibrated(self) -> bool:
        """Whether scoring reads the dev split, to set a threshold."""
        return self.kind in CALIBRATED

    def of_language(self, language: str) -> Benchmark:
        """The benchmark with the columns of a language, where they differ by language."""
        if not any("{language}" in column for column in self.columns.values()):
            return self
        columns = {name: str(column).format(language=language) for name, column in self.columns.items()}
        return replace(self, columns=columns)

    def source_of(self, split: SplitName, language: str | None = None) -> Source:
        """Where the rows of a split live; a language's own source goes before a split's."""
        return self.sources.get(language or "") or self.sources.get(split) or self.source

    def languages_of(self, split: SplitName) -> tuple[str, ...]:
        """The languages that have a split, in the declared order, those of separate sources last."""
        known = dict.fromkeys(self.languages)
        for source in self.sources.values():
            known.update(dict.fromkeys(source.languages or ()))
        return tuple(language for language in known if self._in(language, split))

    def has(self, split: SplitName, language: str | None = None) -> bool:
        """Whether there is such a split: in one language, or in any."""
        return language in self.languages_of(split) if language else bool(self.languages_of(split))

    def _in(self, language: str, split: SplitName) -> bool:
        source = self.source_of(split, language)
        return split in source.splits and language in (source.languages or self.languages)
