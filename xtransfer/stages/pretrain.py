"""Stage `pretrain`: an encoder trained on the spot on a corpus. Its artifact is a transformers folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xtransfer.base.stage import Outside, StageKind, Work
from xtransfer.data.pinned import corpus as pinned_corpus


def reads(settings: Mapping[str, Any]) -> Iterator[Outside]:
    yield pinned_corpus(settings["corpus"]["name"], settings["corpus"]["pin"])


def run(settings: Mapping[str, Any], inputs: Mapping[str, Path], work: Work) -> dict[str, Any]:
    from xtransfer.data.corpora import load_corpus  # torch is imported when a stage runs, not when one is planned
    from xtransfer.recipes.pretraining_recipe import PretrainingRecipe
    from xtransfer.training.pretraining import pretrain

    corpus = load_corpus(
        settings["corpus"]["name"],
        num_texts=settings["num_texts"],
        seed=settings["seed"],
        languages=settings["languages"],
    )
    recipe = PretrainingRecipe.model_validate(settings["recipe"])
    facts = pretrain(corpus.texts, recipe, settings["seed"], work.out, work.progress, work.state)
    return {**facts, "corpus": corpus.facts}


KIND = StageKind(name="pretrain", version=1, run=run, reads=reads, seconds=100)
