"""A tiny Marian model that has learnt little but where to end."""

from __future__ import annotations

from pathlib import Path

from xtransfer.data.corpora import load_texts
from xtransfer.recipes.translator import TranslatorRecipe
from xtransfer.training.translator import train_translator

RECIPE = TranslatorRecipe(
    width=48, heads=2, feed_forward=64, layers=1, steps=200, batch_size=16, max_length=48, learning_rate=1e-2
)


def make_marian(folder: Path) -> Path:
    """From English to German and Turkish, of the laboratory's text."""
    texts = load_texts("lab-translation", num_texts=60, seed=0, languages=("en", "de", "tr"))
    train_translator(texts, RECIPE, 0, folder, folder.parent / "state")
    return folder
