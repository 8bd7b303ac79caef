"""What was predicted of intermediates before their study: which of them run first.

Those that are probably the best have their runs and a look of their own, which says only whose mean is the largest;
then all others follow, and from there the study is what it would have been. So where a budget ends early, it was spent
on what is promising, and a wrong prediction costs a round and no error rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

_DRAWS = 4_000
_LEFT_OUT = 0.25  # probability of being the best of all that follow, together


@dataclass(frozen=True)
class Prior:
    """Predicted gains, independent and normal, in points; NaN where nothing is predicted."""

    means: np.ndarray  # [arms]
    deviations: np.ndarray  # [arms] standard deviations

    @classmethod
    def of(cls, names: Sequence[str], predicted: Mapping[str, tuple[float, float]]) -> Prior | None:
        """Returns the prior of intermediates; None if nothing is predicted of two of them."""
        known = np.array([predicted.get(name, (np.nan, np.nan)) for name in names])
        return cls(known[:, 0], known[:, 1]) if np.isfinite(known[:, 0]).sum() > 1 else None

    def first(self, reference: int | None) -> tuple[int, ...]:
        """Returns those that run first: with a probability of 75% the best is among them; two at least, and the one
        that all are compared with, if there is one."""
        known = np.flatnonzero(np.isfinite(self.means))
        rng = np.random.default_rng(0)
        drawn = self.means[known] + rng.standard_normal((_DRAWS, len(known))) * self.deviations[known]
        best = np.bincount(drawn.argmax(axis=1), minlength=len(known)) / _DRAWS
        order = np.lexsort((-self.means[known], -best))
        enough = int((np.cumsum(best[order]) >= 1 - _LEFT_OUT - 1e-9).argmax()) + 1
        always = set() if reference is None else {reference}
        return tuple(sorted(always | {int(known[one]) for one in order[: max(2, enough)]}))
