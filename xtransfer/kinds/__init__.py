"""The kinds of benchmark, in the order of the documentation; `Kind` says what each declares."""

from __future__ import annotations

from xtransfer.base.errors import unknown
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.kinds import (
    answers,
    bitext,
    choice,
    dual_pair,
    entities,
    mining,
    mlm,
    nearness,
    neighbours,
    pair,
    ranking,
    response,
    span,
    sts,
    tags,
)
from xtransfer.kinds.spec import Kind, Retrieval

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        pair.KIND,
        choice.KIND,
        tags.KIND,
        span.KIND,
        sts.KIND,
        bitext.KIND,
        mining.KIND,
        answers.KIND,
        entities.KIND,
        ranking.KIND,
        response.KIND,
        neighbours.KIND,
        dual_pair.KIND,
        nearness.KIND,
        mlm.KIND,
    )
}


def get(name: str) -> Kind:
    """Returns the kind with this name; raises RequestError if there is none."""
    if name not in KINDS:
        raise unknown("kind", name, KINDS)
    return KINDS[name]


def retrieves(benchmark: Benchmark) -> bool:
    """Whether a benchmark is scored by comparing vectors, which needs no training."""
    return _retrieval(benchmark) is not None


def calibrated(benchmark: Benchmark) -> bool:
    """Whether scoring reads the dev split to set a threshold."""
    retrieval = _retrieval(benchmark)
    return retrieval is not None and retrieval.calibrate is not None


def _retrieval(benchmark: Benchmark) -> Retrieval | None:
    return KINDS[benchmark.kind].retrieval if benchmark.kind in KINDS else None
