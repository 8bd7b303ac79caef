"""The kinds of benchmark, in the order of the documentation; `Kind` says what each declares."""

from __future__ import annotations

from xtransfer.base.errors import unknown
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
from xtransfer.kinds.spec import Kind

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
