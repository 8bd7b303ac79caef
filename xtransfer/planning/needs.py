"""What a study reads: rows, encoders and corpora. Found before anything is pinned, fetched or run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xtransfer import benchmarks
from xtransfer.benchmarks.spec import SPLITS, SplitName
from xtransfer.data.need import Need, Needs
from xtransfer.data.revisions import Pins
from xtransfer.planning import grid
from xtransfer.study import encoders
from xtransfer.study.encoders import EncoderRef
from xtransfer.study.study import Study


def of_study(study: Study) -> Needs:
    """Returns what a study's stages read; raises RequestError if the study cannot run."""
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
    """Returns every split of some benchmarks in every language; raises RequestError for an unknown name."""
    return Needs(
        tuple(
            Need(benchmark.name, split, code)
            for benchmark in map(benchmarks.get, names)
            for split in SPLITS
            for code in benchmark.languages_of(split)
        )
    )


class _Notes(Pins):
    """Records what a plan would pin, without pinning it."""

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
