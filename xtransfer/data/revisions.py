"""What a plan is pinned to: revisions of encoders, data, corpora and engines, looked up once each."""

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
    """Revisions as they are now. Plans ask this object alone, so that a test can pin what it likes."""

    def __init__(self) -> None:
        self.encoder = cache(self._encoder)
        self.rows = cache(self._rows)
        self.corpus = cache(self._corpus)

    def data(self, benchmark: str, split: SplitName, languages: Sequence[str]) -> str:
        """Pin of a benchmark's rows: its declaration, the revision of their source, split and languages."""
        declared = benchmarks.get(benchmark)
        described = _declaration(declared, split, languages)
        return digest(described, self.rows(benchmark, split, tuple(languages)), split, list(languages))

    def _encoder(self, text: str) -> EncoderRef:
        return encoders.resolve(text)

    def _rows(self, benchmark: str, split: SplitName, languages: tuple[str, ...]) -> str:
        from xtransfer.data.source import pin_rows  # brings in datasets; only needed once something is pinned

        return pin_rows(benchmarks.get(benchmark), split, languages)

    def _corpus(self, name: str) -> str:
        from xtransfer.data.corpora import pin_corpus

        return pin_corpus(name)


class PinsInReach(Pins):
    """As far as a mirror and the hub in reach can tell; what they cannot is named in `unpinned`, and stands by its
    name alone. For looking at a plan: never for running one."""

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
        """Whether a model was asked for in vain and the hub gives no sign of life: each question may take a minute."""
        from xtransfer.data.hub import answers

        return bool(self.unpinned) and not answers()


def _declaration(benchmark: Benchmark, split: SplitName, languages: Sequence[str]) -> list[str]:
    """The fields that decide what rows of a split are read and how; a note, a licence, another split's source or the
    place of a folder does not, nor further metrics, which a score stage names itself.

    A field at its default is left out, so that a new kind of field leaves older results in use. A function stands
    by its name, one of a user's file by its code too.
    """
    ignored = {"note", "licence", "how_to_get", "roles", "chance", "languages", "union", "source", "sources", "pool"}
    ignored |= {"also", "metric"} if split == "train" else {"also"}
    described = []
    for field in dataclasses.fields(benchmark):
        value = getattr(benchmark, field.name)
        factory = field.default_factory
        default = field.default if factory is dataclasses.MISSING else factory()
        if field.name not in ignored and value != default:
            described.append(f"{field.name}={getattr(value, '__qualname__', None) or printed(value)}")
    for code in languages:
        if not benchmark.union and benchmark.has(split, code):
            source = benchmark.source_of(split, code)
            is_main = source is benchmark.source
            described.append(f"source={_source(source, split, code)} {code} {'main' if is_main else 'another'}")
    if benchmark.pool is not None and split != "train":
        described.append(f"pool={_source(benchmark.pool, 'test', '')}")
    described += [line for part in benchmark.union for line in _declaration(part, split, languages)]
    return described + [f"code={text}" for text in code_of(benchmark)]


def _source(source: Source, split: SplitName, code: str) -> str:
    """What is read of a source, without the place of its folder on this machine: its files' digests are what counts."""
    path = "folder" if source.path.startswith("/") else source.path_of(code)
    read = (path, source.revision, source.configs_of(code), source.splits_of(split, code), source.keep)
    return printed(read)
