"""Stage `translator`: a translation model trained on the spot on parallel text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xtransfer.stages.spec import StageKind, Work


def run(settings: Mapping[str, Any], inputs: Mapping[str, Path], work: Work) -> dict[str, Any]:
    from xtransfer.data.corpora import load_texts
    from xtransfer.translation.train import TranslatorRecipe, train_translator

    texts = load_texts(
        settings["corpus"]["name"],
        num_texts=settings["num_texts"],
        seed=settings["seed"],
        languages=settings["languages"],
    )
    recipe = TranslatorRecipe.model_validate(settings["recipe"])
    return train_translator(texts, recipe, settings["seed"], work.out, work.state, work.progress)


KIND = StageKind(name="translator", version=1, run=run, seconds=30)
