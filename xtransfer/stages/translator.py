"""Stage `translator`: a translation model trained on the spot on parallel text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xtransfer.stages.spec import StageKind, Work


def run(settings: Mapping[str, Any], inputs: Mapping[str, Path], work: Work) -> dict[str, Any]:
    from xtransfer.data.corpora import held_out_texts, load_texts
    from xtransfer.translation.held_out import held_out_quality
    from xtransfer.translation.train import TranslatorRecipe, train_translator

    texts = load_texts(
        settings["corpus"]["name"],
        num_texts=settings["num_texts"],
        seed=settings["seed"],
        languages=settings["languages"],
    )
    held_out = held_out_texts(settings["corpus"]["name"])
    recipe = TranslatorRecipe.model_validate(settings["recipe"])
    facts = train_translator(
        texts, recipe, settings["seed"], work.out, work.state, work.progress, to_english=settings.get("to") == "en"
    )
    return {**facts, **({"quality": held_out_quality(work.out, held_out, work.progress)} if held_out else {})}


KIND = StageKind(name="translator", version=1, run=run, seconds=30)
