"""What a plan is pinned to: revisions of encoders, data, corpora and engines, looked up once each."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from xtransfer import benchmarks, encoders
from xtransfer.benchmarks.spec import Benchmark, SplitName
from xtransfer.digest import digest

if TYPE_CHECKING:
    from xtransfer.encoders import EncoderRef


class Pins:
    """Revisions as they are now. Plans ask this object alone, so that a test can pin what it likes."""

    def __init__(self) -> None:
        self.encoder = cache(self._encoder)
        self.rows = cache(self._rows)
        self.corpus = cache(self._corpus)

    def data(self, benchmark: str, split: SplitName, languages: Sequence[str]) -> str:
        """Pin of a benchmark's rows: its declaration, the revision of their source, split and languages."""
        declared = benchmarks.get(benchmark)
        return digest(_declaration(declared), self.rows(benchmark, split, tuple(languages)), split, list(languages))

    def _encoder(self, text: str) -> EncoderRef:
        return encoders.resolve(text)

    def _rows(self, benchmark: str, split: SplitName, languages: tuple[str, ...]) -> str:
        from xtransfer.data.source import pin_rows  # brings in datasets; only needed once something is pinned

        return pin_rows(benchmarks.get(benchmark), split, languages)

    def _corpus(self, name: str) -> str:
        from xtransfer.data.corpora import pin_corpus

        return pin_corpus(name)


def _declaration(benchmark: Benchmark) -> list[str]:
    """The fields that decide what rows are read and how; a note or a licence does not."""
    ignored = {"note", "licence", "roles", "chance", "languages"}
    described = []
    for field in dataclasses.fields(benchmark):
        value = getattr(benchmark, field.name)
        if field.name not in ignored:
            described.append(f"{field.name}={getattr(value, '__qualname__', None) or value!r}")
    return described
