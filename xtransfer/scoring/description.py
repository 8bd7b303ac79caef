"""What an encoder makes of some rows before any training: numbers that may tell which intermediate will help.

`mean` is the text embedding of a data set (Vu et al. 2020; Poth et al. 2021). LogME (You et al. 2021) is how probable
the labels are for a linear model of the vectors whose weights are integrated out; the H-score (Bao et al. 2019) is how
far apart the classes' mean vectors are beside the spread of all vectors, with the shrunk covariance of Ibrahim et al.
(2022).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FILE = "description.json"
_ROUNDS = 100  # of LogME's fixed point, which takes about ten
_CLOSE = 1e-5
_FEWEST_OF_A_CLASS = 2


@dataclass(frozen=True)
class Description:
    """Rows of one benchmark in one language, as one encoder sees them."""

    mean: np.ndarray  # [hidden] of the rows' vectors, which have unit length
    tokens: frozenset[int]  # that occur in the rows
    rows: int
    log_evidence: float | None = None  # LogME, in nats per row; None without class labels
    h_score: float | None = None

    def save(self, folder: Path) -> None:
        values = {"mean": self.mean.tolist(), "tokens": sorted(self.tokens), "rows": self.rows,
                  "log_evidence": self.log_evidence, "h_score": self.h_score}  # fmt: skip
        (folder / FILE).write_text(json.dumps(values) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Description:
        values = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return cls(**{**values, "mean": np.array(values["mean"]), "tokens": frozenset(values["tokens"])})

    def similarity(self, other: Description) -> float:
        """Returns the cosine of the mean vectors."""
        size = np.linalg.norm(self.mean) * np.linalg.norm(other.mean)
        return float(self.mean @ other.mean / size) if size else 0.0

    def overlap(self, other: Description) -> float:
        """Returns the share of the other rows' tokens that occur in these."""
        return len(self.tokens & other.tokens) / max(1, len(other.tokens))


def describe(vectors: np.ndarray, tokens: Collection[int], labels: np.ndarray | None) -> Description:
    """Returns the description of rows.

    Args:
        vectors: [rows, hidden].
        tokens: ids in the rows' sequences.
        labels: [rows] class ids; None if rows have none.
    """
    judged: dict[str, float] = {}
    if labels is not None:
        _, counts = np.unique(labels, return_counts=True)
        if len(counts) > 1 and counts.min() >= _FEWEST_OF_A_CLASS:
            judged = {"log_evidence": log_evidence(vectors, labels), "h_score": h_score(vectors, labels)}
    return Description(vectors.mean(axis=0), frozenset(map(int, tokens)), len(vectors), **judged)


def log_evidence(vectors: np.ndarray, labels: np.ndarray) -> float:
    """Returns LogME in nats per row: the mean over classes of the largest log evidence of a linear regression on
    membership, over the precisions of weights and noise (MacKay's fixed point).

    Args:
        vectors: [rows, hidden].
        labels: [rows] class ids.
    """
    left, singular, _ = np.linalg.svd(vectors.astype(np.float64), full_matrices=False)
    return float(np.mean([_evidence(left, singular**2, (labels == one).astype(float), vectors.shape[1])
                          for one in np.unique(labels)]))  # fmt: skip


def _evidence(left: np.ndarray, squares: np.ndarray, wanted: np.ndarray, hidden: int) -> float:
    """`left` [rows, rank], `squares` [rank] of the singular values of the vectors; `wanted` [rows]."""
    rows = len(wanted)
    along = np.square(left.T @ wanted)
    beside = max(float(wanted @ wanted - along.sum()), 0.0)  # what no direction of the vectors explains
    ratio = 1.0  # precision of the weights by that of the noise
    for _ in range(_ROUNDS):
        determined = float((squares / (squares + ratio)).sum())
        weights = float((squares * along / np.square(squares + ratio)).sum())
        rest = float((along * np.square(ratio / (squares + ratio))).sum()) + beside
        alpha, beta = determined / max(weights, _CLOSE**2), (rows - determined) / max(rest, _CLOSE**2)
        before, ratio = ratio, alpha / beta
        if abs(ratio - before) <= _CLOSE * before:
            break
    size = np.log(alpha + beta * squares).sum() + (hidden - len(squares)) * np.log(alpha)
    likely = hidden * np.log(alpha) + rows * np.log(beta / (2 * np.pi)) - size - beta * rest - alpha * weights
    return float(likely / 2 / rows)


def h_score(vectors: np.ndarray, labels: np.ndarray) -> float:
    """Returns the H-score, with the covariance shrunk as of Ledoit & Wolf (2004).

    Args:
        vectors: [rows, hidden].
        labels: [rows] class ids.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    rows, hidden = centred.shape
    covariance = centred.T @ centred / rows
    spread = float(np.trace(covariance)) / hidden
    squares = float(np.square(covariance).sum())
    apart = squares / hidden - spread**2
    noise = (float(np.square(np.square(centred).sum(axis=1)).mean()) - squares) / rows / hidden
    share = min(noise / apart, 1.0) if apart > 0 else 1.0
    classes, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
    means = np.zeros((len(classes), hidden))
    np.add.at(means, places, centred)
    between = (means / counts[:, None]).T @ means / rows
    shrunk = (1 - share) * covariance + share * spread * np.eye(hidden)
    return float(np.trace(np.linalg.solve(shrunk, (1 - share) * between)))
