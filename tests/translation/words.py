"""Sentences of a few words, translated word by word, and a recipe that learns them in seconds."""

from __future__ import annotations

import random

from xtransfer.training.translator import TranslatorRecipe

WORDS = {
    "de": {"red": "rot", "blue": "blau", "house": "haus", "tree": "baum", "and": "und", "ship": "schiff"},
    "fr": {"red": "rouge", "blue": "bleu", "house": "maison", "tree": "arbre", "and": "et", "ship": "bateau"},
}


RECIPE = TranslatorRecipe(
    width=48,
    heads=2,
    feed_forward=64,
    layers=1,
    steps=200,
    batch_size=32,
    max_length=24,
    learning_rate=1e-2,
)


def english(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(list(WORDS["de"]), k=rng.randint(2, 5))) for _ in range(count)]


def said(sentence: str, language: str) -> str:
    return " ".join(WORDS[language][word] for word in sentence.split())


def texts(count: int, seed: int = 0) -> list[dict[str, str]]:
    return [{"en": one, "de": said(one, "de"), "fr": said(one, "fr")} for one in english(count, seed)]
