"""The kinds of benchmark: how rows are encoded, headed and decoded."""

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
        bitext.KIND,
        span.KIND,
        sts.KIND,
        mlm.KIND,
        mining.KIND,
        answers.KIND,
        entities.KIND,
        ranking.KIND,
        response.KIND,
        neighbours.KIND,
        dual_pair.KIND,
        nearness.KIND,
    )
}


def get(name: str) -> Kind:
    """The kind of a name; raises RequestError for an unknown one."""
    if name not in KINDS:
        raise unknown("kind", name, KINDS)
    return KINDS[name]
