"""Kind `response`: a text and what somebody answered, to be told from other answers. Only trained.

As kind `ranking`, but that answers go through a layer of their own (conversation response of Chidambaram et al. 2018,
after Henderson et al. 2017).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xtransfer.benchmarks.spec import Benchmark
from xtransfer.kinds.heads import copied
from xtransfer.kinds.ranking import encode, uninformed
from xtransfer.kinds.spec import Kind
from xtransfer.kinds.vector_heads import ResponseHead


def head(hidden: int, benchmark: Benchmark, dropout: float, dual: Mapping[str, Any]) -> ResponseHead:
    """A fresh head with a layer for responses."""
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
