"""From logits to the best answer of a row, over all its windows.

Follows the n-best search that google-research/xtreme's run_squad calls (compute_predictions_logits of
transformers): in each window the 20 best starts with the 20 best ends, spans of at most 30 tokens within the
context, each start only in the window that shows most of its surroundings. Padding never is among the 20.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

N_BEST = 20
LONGEST = 30  # tokens of an answer


@dataclass(frozen=True)
class Best:
    """The best span of a row: its text, empty where no span is possible, and the sum of its two logits."""

    text: str
    score: float
    null: float  # lowest sum of the first token's logits over the windows: the score of no answer


def nbest(logits: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Places and values [sequences, 2, n] of the highest logits; of equal ones the first come first."""
    values, places = logits.float().sort(dim=-1, descending=True, stable=True)
    return places[..., :N_BEST].numpy(), values[..., :N_BEST].double().numpy()


def best_span(places: np.ndarray, values: np.ndarray, null: np.ndarray, extra: Any, context: str) -> Best:
    """The best span of one row.

    `places`, `values`: as `nbest` gives them, of the row's windows; `null` [windows, 2]: the logits of their first
    tokens; `extra`: what encoding left for the row. Of equal spans the first window's is taken, then that of the
    better start, then of the better end.
    """
    starts, ends, windows = extra
    offset, first, length = np.asarray(windows).T[:, :, None]
    tokens = [places[:, side] - offset for side in (0, 1)]  # numbers of tokens within the windows
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
    """Whether a window is the one in which a token has most context: on its poorer side, and a hundredth of the
    window's length; of equal windows the first. All of shape [windows, n] or [windows, 1]."""
    left = tokens[None] - first[:, None]  # [window looked at, own window, n]
    right = (first + length)[:, None] - 1 - tokens[None]
    context = np.where((left >= 0) & (right >= 0), np.minimum(left, right) + 0.01 * length[:, None], -np.inf)
    most: np.ndarray = context.argmax(0) == np.arange(len(tokens))[:, None]
    return most
