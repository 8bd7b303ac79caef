"""Corrupts sentences; a model learns to detect the corruption by comparison with an intact sentence.

There are five corruptions, none specific to a language. All keep the sentence fluent, so detecting them is not trivial:
  replace  replace a token by one of its word class (ELECTRA, Clark et al. 2020, without a generator)
  swap     exchange two tokens of one word class: who does what changes, the words stay the same
  move     move a token between attested neighbours: a negation changes clauses
  drop     delete a token between two tokens that are attested as neighbours: a negation becomes an affirmation
  insert   insert a token between attested neighbours: an affirmation becomes a negation
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xtransfer.training.cooccurrence import Floats, Ints

Flags = NDArray[np.bool_]
Change = tuple[Ints, list[int]]  # the changed sentence, and the positions that are now wrong

_SHARPNESS = 8.0  # how strongly swaps prefer similar tokens: exp(8) times as likely at cosine 1 as at 0
_NUM_RELATIVES = 12
_BLOCK = 2048


class Corruptor:
    """Corrupts sentences. Dot products of `profiles` (rows of unit length) are similarities of tokens."""

    def __init__(self, sentences: list[Ints], profiles: Floats) -> None:
        vocab_size = len(profiles)
        self.profiles = profiles
        self.bigrams = Bigrams(sentences, vocab_size)
        counts = np.bincount(np.concatenate(sentences), minlength=vocab_size)
        self.relatives = _relatives(profiles, counts)
        ways = {self._replace: 2, self._swap: 4, self._move: 2, self._drop: 1, self._insert: 1}
        self.ways = [way for way, weight in ways.items() for _ in range(weight)]

    def __call__(self, tokens: Ints, rng: np.random.Generator) -> tuple[Ints, Flags]:
        """Returns a corrupted sentence, and which of its tokens are wrong. `tokens` must not be empty."""
        way = self.ways[rng.integers(len(self.ways))]
        changed, positions = way(tokens, rng) or self._replace(tokens, rng)
        wrong = np.zeros(len(changed), dtype=np.bool_)
        wrong[[position for position in positions if 0 <= position < len(changed)]] = True
        return changed, wrong

    def _replace(self, tokens: Ints, rng: np.random.Generator) -> Change:
        changed = tokens.copy()
        positions = rng.permutation(len(tokens))[: rng.integers(1, 3)].tolist()
        for position in positions:
            changed[position] = rng.choice(self.relatives[tokens[position]])
        return changed, positions

    def _swap(self, tokens: Ints, rng: np.random.Generator) -> Change | None:
        vectors = self.profiles[tokens]
        weights = np.triu(np.exp(_SHARPNESS * (vectors @ vectors.T)), k=1)
        weights *= tokens[:, None] != tokens[None, :]
        cumulative = np.cumsum(weights)
        if cumulative[-1] <= 0:
            return None
        chosen = int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
        one, other = divmod(min(chosen, weights.size - 1), len(tokens))
        changed = tokens.copy()
        changed[[one, other]] = tokens[[other, one]]
        return changed, [one, other]

    def _move(self, tokens: Ints, rng: np.random.Generator) -> Change | None:
        source = self._removable(tokens, rng)
        if source is None:
            return None
        rest, token = np.delete(tokens, source), tokens[source]
        before, after = self.bigrams.beside(rest)
        fits = self.bigrams.attested(before, token) & self.bigrams.attested(token, after)
        fits[source] = False
        goals = np.flatnonzero(fits)
        if not len(goals):
            return None
        goal = int(rng.choice(goals))
        return np.insert(rest, goal, token), [goal - 1, goal, goal + 1]

    def _drop(self, tokens: Ints, rng: np.random.Generator) -> Change | None:
        source = self._removable(tokens, rng)
        return None if source is None else (np.delete(tokens, source), [source - 1, source])

    def _insert(self, tokens: Ints, rng: np.random.Generator) -> Change | None:
        before, after = self.bigrams.beside(tokens)
        place = int(rng.integers(len(before)))
        followers = self.bigrams.followers(before[place])
        followers = followers[self.bigrams.attested(followers, after[place])]
        if not len(followers):
            return None
        return np.insert(tokens, place, rng.choice(followers)), [place - 1, place, place + 1]

    def _removable(self, tokens: Ints, rng: np.random.Generator) -> int | None:
        """Returns a random position whose two neighbours are attested as neighbours; None if there is none."""
        if len(tokens) < 3:
            return None
        before, after = self.bigrams.beside(tokens)
        places = np.flatnonzero(self.bigrams.attested(before[:-1], after[1:]))
        return int(rng.choice(places)) if len(places) else None


class Bigrams:
    """The attested pairs of adjacent tokens; `vocab_size` is the id of a sentence boundary."""

    def __init__(self, sentences: list[Ints], vocab_size: int) -> None:
        self.edge = vocab_size
        self.base = vocab_size + 1
        flat = np.concatenate([np.append(sentence, self.edge) for sentence in sentences])
        flat = np.insert(flat, 0, self.edge)
        self.keys = np.unique(flat[:-1] * self.base + flat[1:])

    def attested(self, before: Ints, after: Ints) -> Flags:
        keys = np.asarray(before) * self.base + after
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.asarray(self.keys[places] == keys)

    def followers(self, token: int) -> Ints:
        """Returns the vocabulary tokens attested after `token`."""
        first, last = np.searchsorted(self.keys, (token * self.base, token * self.base + self.edge))
        return self.keys[first:last] - token * self.base

    def beside(self, tokens: Ints) -> tuple[Ints, Ints]:
        """Returns the tokens before and after each gap of a sentence, from start to end."""
        return np.insert(tokens, 0, self.edge), np.append(tokens, self.edge)


def _relatives(profiles: Floats, counts: Ints) -> Ints:
    """Returns the most similar tokens of each token, without rare ones, whose profiles are noise."""
    usable = np.flatnonzero(counts >= 5)
    if len(usable) <= _NUM_RELATIVES:
        usable = np.arange(len(profiles))
    relatives = np.empty((len(profiles), min(_NUM_RELATIVES, len(usable) - 1)), dtype=np.int64)
    for start in range(0, len(profiles), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(profiles)))
        alike = profiles[block] @ profiles[usable].T
        alike[block[:, None] == usable[None, :]] = -2
        best = np.argpartition(-alike, relatives.shape[1] - 1, axis=1)[:, : relatives.shape[1]]
        relatives[block] = usable[np.sort(best, axis=1)]
    return relatives
