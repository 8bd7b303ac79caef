"""Decodes logits into the best answer of a row, over all its windows.

Follows the n-best search that google-research/xtreme's run_squad calls (compute_predictions_logits of
transformers): each window combines its 20 best starts with its 20 best ends; spans lie within the context and have
at most 30 tokens; a start counts only in the window that gives it most context. Padding is never among the 20.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

N_BEST = 20
LONGEST = 30  # tokens of an answer

Windows = tuple[tuple[int, int, int], ...]  # (position in the sequence, first context token, number of tokens)
SpanExtra = tuple[tuple[int, ...], tuple[int, ...], Windows]  # offsets where tokens start and end, windows


@dataclass(frozen=True)
class Best:
    """The best span of a row: its text (empty if no span is possible) and the sum of its two logits."""

    text: str
    score: float
    null: float  # score of no answer: the lowest sum of the first token's logits over the windows


def nbest(logits: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Returns indices and values [sequences, 2, n] of the n highest logits; ties go to the first token."""
    values, places = logits.float().sort(dim=-1, descending=True, stable=True)
    return places[..., :N_BEST].numpy(), values[..., :N_BEST].double().numpy()


def best_span(places: np.ndarray, values: np.ndarray, null: np.ndarray, extra: SpanExtra, context: str) -> Best:
    """Returns the best span of one row.

    `places` and `values` are the output of `nbest` for the row's windows, `null` [windows, 2] the logits of their
    first tokens, `extra` the row's `Encoded.extra`. Ties go to the first window, then to the better start, then to
    the better end.
    """
    starts, ends, windows = extra
    offset, first, length = np.asarray(windows).T[:, :, None]
    tokens = [places[:, side] - offset for side in (0, 1)]  # token indices within the windows
    inside = [(token >= 0) & (token < length) for token in tokens]
    inside[0] &= _most_context(tokens[0] + first, first, length)
    width = tokens[1][:, None, :] - tokens[0][:, :, None] + 1
    possible = inside[0][:, :, None] & inside[1][:, None, :] & (width >= 1) & (width <= LONGEST)
    scores = np.where(possible, values[:, 0, :, None] + values[:, 1, None, :], -np.inf)
    lowest = float(null.astype(float).sum(-1).min())
    for place in np.argsort(-scores, axis=None, kind="stable"):
        window, start, end = np.unravel_index(place, scores.shape)
        score = float(scores[window, start, end])
        if not np.isfinite(score):
            break
        skipped = first[window, 0]
        text = context[starts[tokens[0][window, start] + skipped] : ends[tokens[1][window, end] + skipped]].strip()
        if text:
            return Best(text, score, lowest)
    return Best("", -np.inf, lowest)


def _most_context(tokens: np.ndarray, first: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Returns whether a token has its most context in its own window, [windows, n]; ties go to the first window.

    Context is the smaller of the numbers of tokens to the left and right, plus 0.01 times the window's length. `tokens`
    is [windows, n]; `first` and `length` are [windows, 1].
    """
    left = tokens[None] - first[:, None]  # [window compared, own window, n]
    right = (first + length)[:, None] - 1 - tokens[None]
    context = np.where((left >= 0) & (right >= 0), np.minimum(left, right) + 0.01 * length[:, None], -np.inf)
    most: np.ndarray = context.argmax(0) == np.arange(len(tokens))[:, None]
    return most
