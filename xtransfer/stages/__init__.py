"""The index of stages. Planning reads only names and versions; a stage's code is imported when it runs."""

from __future__ import annotations

from typing import Any

from xtransfer.base.stage import Stage, StageKind
from xtransfer.stages import convert, describe, pretrain, round_trip, score, train, translate, translator, unpack

STAGES: dict[str, StageKind[Any]] = {  # Any: each has its own settings
    kind.name: kind
    for kind in (
        pretrain.KIND,
        unpack.KIND,
        translator.KIND,
        convert.KIND,
        translate.KIND,
        round_trip.KIND,
        train.KIND,
        score.KIND,
        describe.KIND,
    )
}


def declared(kind: str) -> float:
    """Returns the seconds that a kind of stage declares, at laboratory size; 1 for an unknown kind."""
    return STAGES[kind].seconds if kind in STAGES else 1.0


def by_kind(stage: Stage) -> float:
    """Returns the seconds that a stage's kind declares."""
    return declared(stage.kind)
