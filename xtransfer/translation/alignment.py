"""Which words of a translation come from which words of its source, as the translator's own attention tells.

The attention is that of the decoder to the source when it says a token, the mean over the heads of one layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Span = tuple[int, int]  # first character, the one behind the last
Weights = npt.NDArray[np.float32]
_DEEP = 6  # layers
_RESYNC = 12  # characters in which a token is looked for that a tokenizer writes otherwise than the text


@dataclass(frozen=True)
class Aligned:
    """A sentence's translation and what its tokens look at: `weights` [tokens of output, tokens of source]."""

    output: str
    source_spans: tuple[Span, ...]  # of each source token in the sentence; empty ones are no part of it
    output_spans: tuple[Span, ...]
    weights: Weights

    def between(self, source_words: Sequence[Span], output_words: Sequence[Span]) -> Weights:
        """What each word of the translation takes from each word of the source: [output words, source words], rows
        of sum 1, or 0 where it looks at none of them."""
        into = _shares(output_words, self.output_spans)
        out_of = _shares(source_words, self.source_spans)
        weights = into @ self.weights @ out_of.T
        totals = weights.sum(axis=1, keepdims=True)
        shares: Weights = np.divide(weights, totals, out=np.zeros_like(weights), where=totals > 0)
        return shares


def aligning_layer(layers: int) -> int:
    """The layer of a decoder whose attention tells best what comes from what: of a deep one the last but one (Garg et
    al. 2019, "Jointly Learning to Align and Translate with Transformer Models"), of a shallow one the last."""
    return layers - 2 if layers >= _DEEP else layers - 1


def places_of(tokens: Sequence[str], text: str) -> tuple[Span, ...]:
    """Where each token stands in a text; an empty span for marks and for what the tokenizer writes otherwise.

    `tokens` without the sign of a blank, in the order of the text.
    """
    places: list[Span] = []
    place = 0
    for token in tokens:
        found = text.find(token, place, place + len(token) + _RESYNC) if token else -1
        if found < 0:
            places.append((place, place))
            continue
        place = found + len(token)
        places.append((found, place))
    return tuple(places)


def _shares(words: Sequence[Span], tokens: Sequence[Span]) -> Weights:
    """[words, tokens]: 1 where a token begins in a word."""
    shares = np.zeros((len(words), len(tokens)), dtype=np.float32)
    for number, (start, end) in enumerate(words):
        for token, (first, behind) in enumerate(tokens):
            shares[number, token] = start <= first < end and behind > first
    return shares
