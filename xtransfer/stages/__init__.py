"""The index of stages. Planning reads only names and versions; a stage's code is imported when it runs."""

from __future__ import annotations

from typing import Any

from xtransfer.base.stage import StageKind
from xtransfer.stages import convert, pretrain, round_trip, score, train, translate, translator, unpack

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
    )
}
