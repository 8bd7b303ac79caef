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
        """`xnli/de/test`, for messages."""
        return f"{self.benchmark}/{self.language}/{self.split}"


@dataclass(frozen=True)
class Needs:
    """Everything that is read, without duplicates."""

    rows: tuple[Need, ...] = ()
    encoders: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    lacking: dict[str, tuple[str, ...]] = field(default_factory=dict)  # target → requested languages it does not have
    engines: tuple[str, ...] = ()  # translation models, named as for `encoders.resolve`

    def __add__(self, other: Needs) -> Needs:
        return Needs(
            tuple(dict.fromkeys(self.rows + other.rows)),
            tuple(dict.fromkeys(self.encoders + other.encoders)),
            tuple(dict.fromkeys(self.corpora + other.corpora)),
            {**self.lacking, **other.lacking},
            tuple(dict.fromkeys(self.engines + other.engines)),
        )
