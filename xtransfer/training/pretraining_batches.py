"""Batches for pretraining: pairs of sentences, masked or corrupted, drawn from seed and step alone."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import torch

from xtransfer.base.errors import DataError
from xtransfer.models.tokenizer_layout import BOS, EOS, MASK, PAD, SPECIAL_TOKENS
from xtransfer.recipes.pretraining_recipe import PretrainingRecipe
from xtransfer.training.cooccurrence import Ints
from xtransfer.training.corruption import Corruptor

_POOL = 8  # batches drawn together


class Corpus:
    """Tokenised sentences without empty ones; `texts` are the index ranges of sentences that are translations."""

    def __init__(self, texts: list[dict[str, str]], encoded: list[Ints]) -> None:
        self.sentences = [tokens for tokens in encoded if len(tokens)]
        self.texts: list[range] = []
        remaining, first = iter(encoded), 0
        for text in texts:
            last = first + sum(len(next(remaining)) > 0 for _ in text)
            if last > first:
                self.texts.append(range(first, last))
            first = last
        self.parallel = [rows for rows in self.texts if len(rows) > 1]
        if not self.texts:
            raise DataError("no text to pretrain on: every sentence is empty; check the corpus and its languages")


class Sequence(NamedTuple):
    """A pair of sentences as the model sees it, with its labels; -1 means no label."""

    tokens: Ints
    original: Ints  # the token behind a mask
    wrong: Ints  # 1 for tokens that corruption changed
    altered: int  # 1 if the second sentence was corrupted


class Batch:
    """Sequences as tensors. `masked` marks the positions whose tokens are `original`."""

    def __init__(self, sequences: list[Sequence]) -> None:
        width = max(len(sequence.tokens) for sequence in sequences)
        stack = np.full((3, len(sequences), width), -1, dtype=np.int64)
        stack[0] = PAD
        for row, sequence in enumerate(sequences):
            stack[:, row, : len(sequence.tokens)] = sequence[:3]
        ids, original, wrong = torch.from_numpy(stack)
        self.ids, self.wrong = ids, wrong
        self.attention = (ids != PAD).long()
        self.masked = original >= 0
        self.original = original[self.masked]
        self.altered = torch.tensor([sequence.altered for sequence in sequences])


class Sampler:
    """Draws batches as a pure function of (seed, step), so a resumed run sees the same batches."""

    def __init__(self, corpus: Corpus, corrupt: Corruptor, recipe: PretrainingRecipe, seed: int) -> None:
        self.corpus, self.corrupt, self.recipe, self.seed = corpus, corrupt, recipe, seed
        self.pool = functools.lru_cache(maxsize=1)(self._pool)

    def batch(self, step: int) -> Batch:
        number, place = divmod(step, _POOL)
        return self.pool(number)[place]

    def _pool(self, number: int) -> list[Batch]:
        """Draws several batches at once and sorts their sequences by length, which saves a quarter of the padding."""
        rng = np.random.default_rng([self.seed, number])
        drawn = [self._draw(rng) for _ in range(_POOL * self.recipe.batch_size)]
        drawn.sort(key=lambda sequence: len(sequence.tokens))
        size = self.recipe.batch_size
        return [Batch(drawn[place * size : (place + 1) * size]) for place in rng.permutation(_POOL)]

    def _draw(self, rng: np.random.Generator) -> Sequence:
        first, second = self._pair(rng)
        if rng.random() >= self.recipe.detection_share:
            return _masked(first, second, self.recipe.masked_share, rng)
        changed, wrong, altered = self._tampered(second, rng)
        return _asked(first, changed, wrong, altered)

    def _pair(self, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Returns a sentence and its translation, or the sentence twice."""
        text = self.corpus.texts[rng.integers(len(self.corpus.texts))]
        one = other = int(rng.integers(len(text)))
        if len(text) > 1 and rng.random() < self.recipe.translation_share:
            other = (one + int(rng.integers(1, len(text)))) % len(text)
        return self.corpus.sentences[text[one]], self.corpus.sentences[text[other]]

    def _tampered(self, second: Ints, rng: np.random.Generator) -> tuple[Ints, Ints, int]:
        """Returns the second sentence as shown, which of its tokens are wrong, and whether it was corrupted."""
        if rng.random() >= self.recipe.altered_share:
            return second, np.zeros_like(second), 0
        if rng.random() < self.recipe.unrelated_share:
            other = self.corpus.sentences[rng.integers(len(self.corpus.sentences))]
            return other, np.full_like(other, -1), 1  # in another sentence, single tokens are neither right nor wrong
        changed, wrong = self.corrupt(second, rng)
        return changed, wrong.astype(np.int64), 1  # labels -1, 0 or 1


def _joined(first: Ints, second: Ints) -> Ints:
    return np.concatenate([[BOS], first, [EOS, EOS], second, [EOS]])


def _asked(first: Ints, second: Ints, wrong: Ints, altered: int) -> Sequence:
    tokens = _joined(first, second)
    asked = np.full_like(tokens, -1)
    asked[len(first) + 3 : -1] = wrong
    return Sequence(tokens, np.full_like(tokens, -1), asked, altered)


def _masked(first: Ints, second: Ints, share: float, rng: np.random.Generator) -> Sequence:
    tokens = _joined(first, second)
    chosen = (rng.random(len(tokens)) < share) & (tokens >= len(SPECIAL_TOKENS))
    original = np.where(chosen, tokens, -1)
    shown = np.where(chosen & (rng.random(len(tokens)) < 0.9), MASK, tokens)  # a tenth is not masked
    return Sequence(shown, original, np.full_like(tokens, -1), -1)
