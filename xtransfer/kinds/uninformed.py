"""The loss of the best answer that ignores the input, for each kind of target."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from xtransfer.kinds.spec import Encoded


def uninformed_loss(encoded: Sequence[Encoded], smoothing: float = 0.0) -> float | None:
    """Returns the mean loss of the best answer that ignores the input; None if the targets do not determine it.

    Labels of rows or words: the entropy of their frequencies, in nats. A choice among options: the log of their
    number. Scores with squared error: their variance. `smoothing` is the recipe's `label_smoothing`.
    """
    if encoded and all(isinstance(row.target, float) for row in encoded):
        mean = _mean([row.target for row in encoded])
        return _mean([(row.target - mean) ** 2 for row in encoded])
    if encoded and all(_is_tags(row.target) for row in encoded):
        return entropy([label for row in encoded for label in row.target], smoothing)
    if not all(isinstance(row.target, int) for row in encoded):
        return None
    if any(len(row.sequences) > 1 for row in encoded):
        return _mean([math.log(len(row.sequences)) for row in encoded])
    return entropy([row.target for row in encoded], smoothing)


def _is_tags(target: object) -> bool:
    return isinstance(target, tuple) and all(isinstance(label, int) for label in target)


def entropy(labels: Sequence[int], smoothing: float = 0.0) -> float:
    """Returns the entropy of the labels' frequencies in nats: the loss of the best answer that ignores the input.

    With `smoothing`, of the targets as they are smoothed over the labels that occur.
    """
    counts = Counter(labels).values()
    shares = [(1 - smoothing) * count / len(labels) + smoothing / len(counts) for count in counts]
    return -sum(share * math.log(share) for share in shares)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
