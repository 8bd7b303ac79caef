"""Stage `translator`: a translation model trained on parallel text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xtransfer.base.stage import Outside, StageKind, Work
from xtransfer.data.pinned import corpus as pinned_corpus


def reads(settings: Mapping[str, Any]) -> Iterator[Outside]:
    yield pinned_corpus(settings["corpus"]["name"], settings["corpus"]["pin"])


def run(settings: Mapping[str, Any], inputs: Mapping[str, Path], work: Work) -> dict[str, Any]:
    from xtransfer.data.corpora import held_out_texts, load_texts
    from xtransfer.training.translator import TranslatorRecipe, train_translator
    from xtransfer.translation.quality import held_out_quality

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


KIND = StageKind(name="translator", version=1, run=run, reads=reads, seconds=30)
