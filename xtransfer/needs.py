"""What a study reads, before anything is pinned, fetched or run: rows, encoders, text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from xtransfer import benchmarks, encoders, grid
from xtransfer.benchmarks.spec import SPLITS, SplitName
from xtransfer.encoders import EncoderRef
from xtransfer.pins import Pins
from xtransfer.study import Study


@dataclass(frozen=True)
class Need:
    """One split of a benchmark in one language."""

    benchmark: str
    split: SplitName
    language: str

    @property
    def place(self) -> str:
        """`xnli/de/test`: what errors name."""
        return f"{self.benchmark}/{self.language}/{self.split}"


@dataclass(frozen=True)
class Needs:
    """All that is read, each once."""

    rows: tuple[Need, ...] = ()
    encoders: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    lacking: dict[str, tuple[str, ...]] = field(default_factory=dict)  # target → asked languages that it has not
    engines: tuple[str, ...] = ()  # models that translate, as `encoders.resolve` reads them

    def __add__(self, other: Needs) -> Needs:
        return Needs(
            tuple(dict.fromkeys(self.rows + other.rows)),
            tuple(dict.fromkeys(self.encoders + other.encoders)),
            tuple(dict.fromkeys(self.corpora + other.corpora)),
            {**self.lacking, **other.lacking},
            tuple(dict.fromkeys(self.engines + other.engines)),
        )


def of_study(study: Study) -> Needs:
    """What the stages of a study read; raises RequestError for a study that could not run."""
    seen = _Notes()
    grid.plan(study, seen)
    lacking = {
        target.slug: tuple(code for code in study.languages or () if code not in offered)
        for target in study.targets
        for offered in (benchmarks.get(target.benchmark).languages_of(target.split),)
    }
    engines = tuple(name for name in seen.models if name not in study.encoders)
    lacking = {name: codes for name, codes in lacking.items() if codes}
    return Needs(tuple(seen.read), study.encoders, tuple(seen.corpora), lacking, engines)


def of_benchmarks(names: Iterable[str]) -> Needs:
    """Every split of some benchmarks in every language; raises RequestError for an unknown name."""
    return Needs(
        tuple(
            Need(benchmark.name, split, code)
            for benchmark in map(benchmarks.get, names)
            for split in SPLITS
            for code in benchmark.languages_of(split)
        )
    )


class _Notes(Pins):
    """Pins nothing, and notes what a plan would pin."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[Need, None] = {}
        self.models: dict[str, None] = {}
        self.corpora: dict[str, None] = {}

    def data(self, benchmark: str, split: SplitName, languages: Sequence[str]) -> str:
        self.read.update((Need(benchmark, split, code), None) for code in languages)
        return ""

    def _encoder(self, text: str) -> EncoderRef:
        self.models[text] = None
        if encoders.may_be_on_hub(text):
            return encoders.unpinned(text)
        return encoders.resolve(text)

    def _corpus(self, name: str) -> str:
        self.corpora[name] = None
        return ""
