"""What a run trains on: benchmarks with their rows, and who takes turns with whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xtransfer.base.errors import RequestError
from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds import KINDS
from xtransfer.recipes.mixture import PROPORTIONAL, Sampling
from xtransfer.training.sampling import BatchPlan

Part = tuple[Benchmark, Sequence[Row]]


@dataclass(frozen=True)
class Parts:
    """Rows by what takes turns.

    Sampled in proportion to their rows, all parts of a benchmark (its rows in several languages) are one, and share
    batches; under any other rule each part takes turns by itself.
    """

    rows: Mapping[str, tuple[Benchmark, list[Sequence[Row]]]]
    sampling: Sampling = PROPORTIONAL
    weights: Sequence[float] = ()  # one for each; none: in proportion

    @classmethod
    def of(cls, parts: Sequence[Part], sampling: Sampling, weights: Sequence[float]) -> Parts:
        """Raises RequestError for a part that nothing is trained on, or without rows, and where there is none."""
        _check(parts)
        if sampling == PROPORTIONAL and len(set(weights)) < 2:
            rows: dict[str, tuple[Benchmark, list[Sequence[Row]]]] = {}
            for benchmark, own in parts:
                rows.setdefault(benchmark.name, (benchmark, []))[1].append(own)
            return cls(rows)
        numbered = {
            f"{benchmark.name}, part {number}": (benchmark, [own])
            for number, (benchmark, own) in enumerate(parts, start=1)
        }
        return cls(numbered, sampling, weights or [1.0] * len(parts))

    @property
    def benchmarks(self) -> list[Benchmark]:
        """Each benchmark once: so many heads are trained."""
        return list({benchmark.name: benchmark for benchmark, _ in self.rows.values()}.values())

    def plan(self, sizes: Mapping[str, int], batch_size: int, seed: int) -> BatchPlan:
        """The batches of a run over so many rows each."""
        if not self.weights:
            return BatchPlan(dict(sizes), batch_size, seed)
        turns = self.sampling.batches(list(sizes.values()), self.weights, batch_size)
        in_rotation = self.sampling.rule == "rotation"
        return BatchPlan(dict(sizes), batch_size, seed, dict(zip(sizes, turns, strict=True)), in_rotation)


def _check(parts: Sequence[Part]) -> None:
    for benchmark, own in parts:
        if KINDS[benchmark.kind].head is None:
            raise RequestError(f"'{benchmark.name}' is of kind {benchmark.kind}: nothing is trained on it")
        if not own:
            raise RequestError(f"'{benchmark.name}': no rows to train on")
    if not parts:
        raise RequestError("nothing to train on: no benchmark was given")
