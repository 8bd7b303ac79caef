"""The stages: an explicit index. Planning reads names and versions; what runs is imported when it runs."""

from __future__ import annotations

from xtransfer.stages import convert, pretrain, round_trip, score, train, translate, translator
from xtransfer.stages.spec import StageKind

STAGES: dict[str, StageKind] = {
    kind.name: kind
    for kind in (
        pretrain.KIND,
        translator.KIND,
        convert.KIND,
        translate.KIND,
        round_trip.KIND,
        train.KIND,
        score.KIND,
    )
}
