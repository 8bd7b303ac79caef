"""Kind `response`: rank the actual response to a text above other responses. Trained only, never scored.

Like kind `ranking`, but responses pass through a layer of their own (conversation response of Chidambaram et al.
2018, after Henderson et al. 2017).
"""

from __future__ import annotations

from collections.abc import Mapping

from xtransfer.benchmarks.spec import Benchmark
from xtransfer.kinds.heads import copied
from xtransfer.kinds.ranking import encode, uninformed
from xtransfer.kinds.spec import Kind
from xtransfer.kinds.vector_heads import ResponseHead


def head(hidden: int, benchmark: Benchmark, dropout: float, dual: Mapping[str, object]) -> ResponseHead:
    """Returns a newly initialised head with a layer for responses."""
    return ResponseHead(hidden, dual)


KIND = Kind(
    name="response",
    fields={"source": str, "target": str},
    encode=encode,
    head=head,
    gold=lambda benchmark, row: None,
    carry=copied,
    dual=True,
    uninformed=uninformed,
)
