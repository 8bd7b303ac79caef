"""The training phases of a target: their benchmarks, and the dev rows that select the checkpoint."""

from __future__ import annotations

from xtransfer import benchmarks, kinds
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.study.study import Target


def trained_on(target: Target) -> tuple[str, ...]:
    """Returns the benchmarks whose English rows a target is trained on; empty if the encoder is scored as it is."""
    benchmark = benchmarks.get(target.benchmark)
    if not target.fine_tune:
        return ()
    return target.train_on or ((benchmark.name,) if benchmark.has("train") and not kinds.retrieves(benchmark) else ())


def trained_as(target: Target) -> Benchmark:
    """Returns the benchmark whose recipe and dev rows the last phase uses.

    It is the target's own, or for retrieval trained on other benchmarks, the last of those.
    """
    benchmark = benchmarks.get(target.benchmark)
    return benchmarks.get(target.train_on[-1]) if kinds.retrieves(benchmark) and target.train_on else benchmark


def selected_on(target: Target, benchmark: str) -> str:
    """Returns the benchmark whose English dev rows select the checkpoint of the phase on `benchmark`.

    In the last phase it is the target's own, if the model has a head for it.
    """
    is_last = benchmark == (target.train_on or (benchmark,))[-1]
    return trained_as(target).name if is_last else benchmark


def training_name(target: Target, benchmark: str, language: str) -> str:
    """Returns the readable name of a target's training on a benchmark in a language."""
    several = f" on {benchmark}" if len(target.train_on) > 1 else ""
    return target.slug + several + (f" in {language}" if language != "en" else "")
