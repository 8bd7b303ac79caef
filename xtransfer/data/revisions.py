"""Pins of a plan: revisions of encoders, data, corpora and engines, each looked up once."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from xtransfer import benchmarks
from xtransfer.base.digest import digest
from xtransfer.base.errors import SourceError
from xtransfer.benchmarks.code import code_of
from xtransfer.benchmarks.spec import Benchmark, Source, SplitName
from xtransfer.benchmarks.values import printed
from xtransfer.study import encoders

if TYPE_CHECKING:
    from xtransfer.study.encoders import EncoderRef


class Pins:
    """Current revisions. Plans get them from this object only, so tests can replace it."""

    def __init__(self) -> None:
        self.encoder = cache(self._encoder)
        self.rows = cache(self._rows)
        self.corpus = cache(self._corpus)
        self._of_data = cache(self._data)

    def data(self, benchmark: str, split: SplitName, languages: Sequence[str]) -> str:
        """Returns the pin of a benchmark's rows: a digest of declaration, source revision, split and languages."""
        return self._of_data(benchmark, split, tuple(languages))

    def _data(self, benchmark: str, split: SplitName, languages: tuple[str, ...]) -> str:
        described = _declaration(benchmarks.get(benchmark), split, languages)
        return digest(described, self.rows(benchmark, split, languages), split, list(languages))

    def _encoder(self, text: str) -> EncoderRef:
        return encoders.resolve(text)

    def _rows(self, benchmark: str, split: SplitName, languages: tuple[str, ...]) -> str:
        from xtransfer.data.source import pin_rows  # imports datasets, which only pinning needs

        return pin_rows(benchmarks.get(benchmark), split, languages)

    def _corpus(self, name: str) -> str:
        from xtransfer.data.corpora import pin_corpus

        return pin_corpus(name)


class PinsInReach(Pins):
    """Pins as far as mirror and hub can be reached; the rest is listed in `unpinned` and identified only by its name.

    For showing a plan, never for running one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unpinned: list[str] = []

    def _encoder(self, text: str) -> EncoderRef:
        if not (self._given_up() and encoders.may_be_on_hub(text) and not encoders.in_mirror(text)):
            try:
                return super()._encoder(text)
            except SourceError:
                pass
        self.unpinned.append(text)
        return encoders.unpinned(text)

    def _rows(self, benchmark: str, split: SplitName, languages: tuple[str, ...]) -> str:
        try:
            return super()._rows(benchmark, split, languages)
        except SourceError:
            self.unpinned.append(benchmark)
            return f"unpinned {benchmark}"

    def _corpus(self, name: str) -> str:
        try:
            return super()._corpus(name)
        except SourceError:
            self.unpinned.append(name)
            return f"unpinned {name}"

    def _given_up(self) -> bool:
        """Returns whether a lookup has failed and the hub does not answer; each further one could take a minute."""
        from xtransfer.base.hub import answers

        return bool(self.unpinned) and not answers()


def _declaration(benchmark: Benchmark, split: SplitName, languages: Sequence[str]) -> list[str]:
    """Returns the fields that decide which rows of a split are read and how.

    Leaves out notes, licences, sources of other splits, locations of folders, and further metrics, which a score stage
    names itself. Also leaves out fields at their default, so that a new field keeps older results valid. A function is
    identified by its name; one in a user's file also by its code.
    """
    ignored = {"note", "caveat", "licence", "how_to_get", "roles", "chance", "languages", "union", "english"}
    ignored |= {"source", "sources", "pool"}
    ignored |= {"also", "metric"} if split == "train" else {"also"}
    described = []
    for field in dataclasses.fields(benchmark):
        value = getattr(benchmark, field.name)
        factory = field.default_factory
        default = field.default if factory is dataclasses.MISSING else factory()
        if field.name not in ignored and value != default:
            described.append(f"{field.name}={getattr(value, '__qualname__', None) or printed(value)}")
    for code in languages:
        if (declared := benchmark.read_as(split, code)) is not benchmark and benchmark.has(split, code):
            described += _declaration(declared, split, [code])
        elif not benchmark.union and benchmark.has(split, code):
            source = benchmark.source_of(split, code)
            is_main = source is benchmark.source
            described.append(f"source={_source(source, split, code)} {code} {'main' if is_main else 'another'}")
    if benchmark.pool is not None and split != "train":
        described.append(f"pool={_source(benchmark.pool, 'test', '')}")
    described += [line for part in benchmark.union for line in _declaration(part, split, languages)]
    return described + [f"code={text}" for text in code_of(benchmark)]


def _source(source: Source, split: SplitName, code: str) -> str:
    """Returns what is read of a source, without the location of a local folder, whose files' digests count instead."""
    path = "folder" if source.path.startswith("/") else source.path_of(code)
    read = (path, source.revision, source.configs_of(code), source.splits_of(split, code), source.keep)
    return printed(read)
