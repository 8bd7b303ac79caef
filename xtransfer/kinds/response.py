"""Kind `response`: rank the actual response to a text above other responses. Trained only, never scored.

Like kind `ranking`, but responses pass through a layer of their own (conversation response of Chidambaram et al.
2018, after Henderson et al. 2017).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from xtransfer.benchmarks.spec import Benchmark
from xtransfer.kinds.ranking import encode, uninformed
from xtransfer.kinds.spec import Kind, Translatable

if TYPE_CHECKING:
    from xtransfer.kinds.vector_heads import ResponseHead


def head(hidden: int, benchmark: Benchmark, dropout: float, dual: Mapping[str, object]) -> ResponseHead:
    """Returns a newly initialised head with a layer for responses."""
    from xtransfer.kinds.vector_heads import ResponseHead

    return ResponseHead(hidden, dual)


KIND = Kind(
    name="response",
    fields={"source": str, "target": str},
    about="texts and the replies to them",
    encode=encode,
    head=head,
    gold=lambda benchmark, row: None,
    dual=True,
    prompts=True,
    uninformed=uninformed,
    hard_negatives=True,
    translation=Translatable(("source", "target")),
)
