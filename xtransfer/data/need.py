"""One split of a benchmark in one language that a study reads."""

from __future__ import annotations

from dataclasses import dataclass, field

from xtransfer.benchmarks.spec import SplitName


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
