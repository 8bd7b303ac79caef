"""How good a translator is on sentences that it was not trained on, which people have translated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xtransfer.base.stage import Progress, silent
from xtransfer.translation.quality import against_people
from xtransfer.translation.transformers_engine import TransformersEngine


def held_out_quality(model: Path, texts: Sequence[dict[str, str]], progress: Progress = silent) -> dict[str, Any]:
    """Of a model trained here, greedily decoded in float32: `en-de` and so on → what `against_people` says.

    `texts`: language → sentence, all saying the same; a direction is told on those that both languages have.
    """
    engine = TransformersEngine(model)
    found = {}
    for source, target in [(one, two) for one in engine.directions.sources for two in engine.directions.targets]:
        both = [text for text in texts if {source, target} <= text.keys()]
        outputs = engine.translate([text[source] for text in both], source, target, progress)
        pairs = list(zip(outputs, [text[target] for text in both], strict=True))
        found[f"{source}-{target}"] = against_people(pairs, target)
    return found
