"""What becomes of rows that are put into another language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from xtransfer.base.stage import Progress
from xtransfer.benchmarks.spec import Row
from xtransfer.translation.engine import Engine


@dataclass(frozen=True)
class Put:
    """One row for each row that came in, in its place."""

    rows: list[Row]
    reasons: list[str | None]  # why a row is to be left out; None where it may stay
    facts: Mapping[str, Any] = field(default_factory=dict)


class Outputs:
    """Text → its translation, for the texts that were asked for so far; equal texts are translated once."""

    def __init__(self, engine: Engine, source: str, target: str, progress: Progress) -> None:
        self.engine, self.source, self.target = engine, source, target
        self._progress = progress
        self._outputs: dict[str, str] = {}

    def translate(self, texts: Iterable[str]) -> None:
        new = [text for text in dict.fromkeys(texts) if text not in self._outputs]
        outputs = self.engine.translate(new, self.source, self.target, self._progress)
        self._outputs |= zip(new, outputs, strict=True)

    def __getitem__(self, text: str) -> str:
        return self._outputs[text]
