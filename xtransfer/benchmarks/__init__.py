"""Every benchmark, by name. To add one, declare it in a module of this package and name it in the index."""

from __future__ import annotations

from xtransfer.benchmarks import commonsense, inference, lab, retrieval
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.errors import RequestError, unknown


def index(*benchmarks: Benchmark) -> dict[str, Benchmark]:
    """The benchmarks by name; raises RequestError when two share one."""
    names = [benchmark.name for benchmark in benchmarks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RequestError(f"benchmarks: more than one is named {', '.join(twice)}; names must differ")
    return dict(zip(names, benchmarks, strict=True))


BENCHMARKS = index(
    lab.LAB_NLI,
    lab.LAB_INFERENCE,
    lab.LAB_COPA,
    lab.LAB_RETRIEVAL,
    inference.MNLI,
    inference.XNLI,
    inference.LINGNLI,
    inference.LINGNLI_B,
    inference.OCNLI,
    inference.INDONLI,
    inference.FARSTAIL,
    inference.SICK_NL,
    inference.JSICK,
    commonsense.COPA,
    commonsense.XCOPA,
    retrieval.TATOEBA,
)


def get(name: str) -> Benchmark:
    """The benchmark of a name; raises RequestError with the nearest name for an unknown one."""
    if name not in BENCHMARKS:
        raise unknown("benchmark", name, BENCHMARKS)
    return BENCHMARKS[name]
