"""What a target is trained on: the benchmark of each phase, and the dev rows that select its checkpoint."""

from __future__ import annotations

from xtransfer import benchmarks
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.study.study import Target


def trained_on(target: Target) -> tuple[str, ...]:
    """The benchmarks whose English rows a target is trained on; none where the encoder is scored as it comes."""
    benchmark = benchmarks.get(target.benchmark)
    if not target.fine_tune:
        return ()
    return target.train_on or ((benchmark.name,) if benchmark.has("train") and not benchmark.retrieves else ())


def trained_as(target: Target) -> Benchmark:
    """The benchmark whose recipe and dev rows a target's last training has: its own, or, where it compares vectors and
    is trained on others, the last of those."""
    benchmark = benchmarks.get(target.benchmark)
    return benchmarks.get(target.train_on[-1]) if benchmark.retrieves and target.train_on else benchmark


def selected_on(target: Target, benchmark: str) -> str:
    """The benchmark whose English dev rows select when a target is trained on `benchmark`: the target's own for the
    last training, if that answers it."""
    is_last = benchmark == (target.train_on or (benchmark,))[-1]
    return trained_as(target).name if is_last else benchmark


def training_name(target: Target, benchmark: str, language: str) -> str:
    """What the training of a target on a benchmark in a language is called."""
    several = f" on {benchmark}" if len(target.train_on) > 1 else ""
    return target.slug + several + (f" in {language}" if language != "en" else "")
