"""The training data of a run: benchmarks with their rows, and how they alternate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xtransfer.base.errors import RequestError
from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds import KINDS
from xtransfer.recipes.mixture import PROPORTIONAL, Sampling
from xtransfer.training.sampling import BatchPlan

BenchmarkRows = tuple[Benchmark, Sequence[Row]]


@dataclass(frozen=True)
class TrainingMixture:
    """The rows of each part of a mixture.

    With proportional sampling, all parts of a benchmark (its rows in several languages) form one part and share
    batches; with any other rule, each part has its own batches.
    """

    rows: Mapping[str, tuple[Benchmark, list[Sequence[Row]]]]
    sampling: Sampling = PROPORTIONAL
    weights: Sequence[float] = ()  # one per part; empty: in proportion to rows

    @classmethod
    def of(cls, parts: Sequence[BenchmarkRows], sampling: Sampling, weights: Sequence[float]) -> TrainingMixture:
        """Builds the mixture; raises RequestError if there are no parts, or one has no rows or cannot be trained on."""
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
        """The distinct benchmarks, each of which has one head."""
        return list({benchmark.name: benchmark for benchmark, _ in self.rows.values()}.values())

    def plan(self, sizes: Mapping[str, int], batch_size: int, seed: int) -> BatchPlan:
        """Returns the batches of a run; `sizes` is the number of rows of each part."""
        if not self.weights:
            return BatchPlan(dict(sizes), batch_size, seed)
        turns = self.sampling.batches(list(sizes.values()), self.weights, batch_size)
        in_rotation = self.sampling.rule == "rotation"
        return BatchPlan(dict(sizes), batch_size, seed, dict(zip(sizes, turns, strict=True)), in_rotation)


def _check(parts: Sequence[BenchmarkRows]) -> None:
    for benchmark, own in parts:
        if KINDS[benchmark.kind].head is None:
            raise RequestError(f"'{benchmark.name}' cannot be trained on: kind {benchmark.kind} is scored only")
        if not own:
            raise RequestError(f"'{benchmark.name}' has no rows to train on")
    if not parts:
        raise RequestError("no benchmark to train on was given")
