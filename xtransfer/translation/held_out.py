"""How good a translator is on sentences that it was not trained on: BLEU and chrF against people's translations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from xtransfer.stages.spec import Progress, silent
from xtransfer.translation.engine import Engine
from xtransfer.translation.transformers_engine import TransformersEngine


def quality(model: Path, texts: Sequence[dict[str, str]], progress: Progress = silent) -> dict[str, Any]:
    """Of a model trained here, greedily decoded in float32, in each of its directions: BLEU and chrF2 in points,
    sentences, and what sacrebleu says of how it counted. `texts`: language → sentence, all saying the same."""
    engine = TransformersEngine(model)
    pairs = [(one, two) for one in engine.directions.sources for two in engine.directions.targets if one != two]
    return {f"{one}-{two}": compared(engine, texts, one, two, progress) for one, two in pairs}


def compared(
    engine: Engine, texts: Sequence[dict[str, str]], source: str, target: str, progress: Progress = silent
) -> dict[str, Any]:
    """BLEU and chrF2 of an engine's translations of the texts that both languages have."""
    both = [text for text in texts if {source, target} <= text.keys()]
    outputs = engine.translate([text[source] for text in both], source, target, progress)
    references = [[text[target] for text in both]]
    bleu, chrf = BLEU(), CHRF()
    return {
        "bleu": round(bleu.corpus_score(outputs, references).score, 2),
        "chrf": round(chrf.corpus_score(outputs, references).score, 2),
        "sentences": len(both),
        "signatures": [str(bleu.get_signature()), str(chrf.get_signature())],
    }
