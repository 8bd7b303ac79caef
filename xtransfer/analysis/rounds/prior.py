"""What was predicted of intermediates before their study, and what is believed once some runs are known.

It decides which intermediates run again, and whether more runs are worth it. Nothing that a study says rests on it:
bounds, probabilities and the decision to stop as settled are those of its scores alone, so a wrong prediction costs
runs and no error rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_VAGUE = 1e3  # points: a standard deviation that says nothing


@dataclass(frozen=True)
class Prior:
    """Predicted gains, independent and normal, in points."""

    means: np.ndarray  # [arms]
    deviations: np.ndarray  # [arms] standard deviations

    @classmethod
    def of(cls, names: Sequence[str], predicted: Mapping[str, tuple[float, float]]) -> Prior | None:
        """Returns the prior of intermediates that have a mean and a standard deviation; None if none has.

        Others are compared with as if nothing were known of them.
        """
        if not predicted:
            return None
        known = np.array([predicted.get(name, (0.0, _VAGUE)) for name in names])
        return cls(known[:, 0], known[:, 1])

    def pair(self, one: int, other: int) -> tuple[float, float]:
        """Returns the mean and the variance of a difference."""
        apart = self.means[one] - self.means[other]
        return float(apart), float(self.deviations[one] ** 2 + self.deviations[other] ** 2)

    def updated(self, means: np.ndarray, covariance: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns what is believed of the differences from `first`: their means [arms] and covariance [arms, arms].

        Args:
            means: [arms] observed differences from `first`, of which it is 0; -inf, which stays, where there is none.
            covariance: [arms, arms] of what was observed.
            first: an intermediate.
        """
        others = np.flatnonzero(np.isfinite(means) & (np.arange(len(means)) != first))
        of_prior = np.diag(self.deviations[others] ** 2) + self.deviations[first] ** 2
        weight = of_prior @ np.linalg.inv(of_prior + covariance[np.ix_(others, others)])
        before = self.means[others] - self.means[first]
        believed, spread = means.copy(), np.zeros_like(covariance)
        believed[others] = before + weight @ (means[others] - before)
        spread[np.ix_(others, others)] = of_prior - weight @ of_prior
        return believed, spread
