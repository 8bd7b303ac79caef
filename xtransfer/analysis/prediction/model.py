"""A hierarchical model of gains: what a row has in common with others, it shares in its gain.

The gain of an intermediate for a target in a test language is a mean that depends on whether the intermediate is in
that language (`FIXED`), plus a random effect for everything that rows can have in common (`LEVELS`): the intermediate
itself, its task, its language, the target, the test language, and pairs of these, and a random slope for each number
that is known of a row (`NUMBERS`), plus noise that shrinks with runs, which what a run does to all
languages shares.
Variances of the effects are fitted by restricted maximum likelihood (Patterson & Thompson 1971). Gains are predicted by
their conditional mean (best linear unbiased prediction; Henderson 1975). An effect without evidence has a variance near
zero; an intermediate that no study has is predicted from its task and language, with the uncertainty that this leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import linalg, optimize

from xtransfer.analysis.prediction.features import NUMBERS
from xtransfer.analysis.prediction.observed import PLACE, described

LEVELS = (
    ("intermediate",),
    ("task",),
    ("source",),
    ("target",),
    ("language",),
    ("target", "task"),
    ("target", "intermediate"),
    ("source", "language"),
    ("encoder",),
    ("encoder", "intermediate"),
)
_NOISE = ("of a run", "of a row")
FIXED = ("own", "distance", "translated")  # numbers of a row that its gain depends on
MOST_ROWS = 1500  # beyond them, a random part is taken
_LEAST = 1e-3  # squared points, which keeps the covariance regular
_EQUAL = 1e-9  # below it, numbers differ by rounding
_STEPS = 60


@dataclass(frozen=True)
class Predicted:
    """The means and covariance of predicted rows, in points and squared points."""

    means: np.ndarray  # [rows]
    covariance: np.ndarray  # [rows, rows]


class Model:
    """A model fitted to rows as of `described`, their gains and numbers of runs."""

    def __init__(self, observed: pd.DataFrame, start: np.ndarray | None = None) -> None:
        """`observed`: recorded gains. `start`: variances of a model of like rows, from which the fit is nearer."""
        if len(observed) > MOST_ROWS:
            observed = observed.iloc[np.sort(np.random.default_rng(0).permutation(len(observed))[:MOST_ROWS])]
        rows, gains = described(observed), observed["gain"].to_numpy(float)
        runs, of_runs = observed["runs"].to_numpy(float), np.sqrt(observed["of_runs"].to_numpy(float))
        self._rows, self._gains = rows, gains
        self._scales = _scales(rows)
        same = self._shared(rows, rows)
        noise = [np.diag(1 / runs), np.eye(len(rows))]  # as in `_NOISE`
        self._fixed = _usable(rows)
        known = _design(rows, self._fixed)
        parts = np.array([*same, *noise])
        by_runs = np.outer(of_runs, of_runs) * _same(rows, rows, [name for name in PLACE if name in rows])
        self.variances = _fitted(gains, known, parts, by_runs, start)
        self._factor = linalg.cho_factor(by_runs + np.tensordot(self.variances, parts, 1))
        weighted = linalg.cho_solve(self._factor, known)
        self._of_fixed = np.linalg.inv(known.T @ weighted)  # covariance of the coefficients
        self.coefficients = self._of_fixed @ weighted.T @ gains

    def predict(self, rows: pd.DataFrame) -> Predicted:
        """Returns what the true gains of rows probably are."""
        variances = self.variances[: -len(_NOISE)]
        across = np.tensordot(variances, self._shared(rows, self._rows), 1)
        within = np.tensordot(variances, self._shared(rows, rows), 1)
        within += self.variances[-1] * np.eye(len(rows))  # what is peculiar to a row
        known, of_new = _design(self._rows, self._fixed), _design(rows, self._fixed)
        rest = linalg.cho_solve(self._factor, self._gains - known @ self.coefficients)
        means = of_new @ self.coefficients + across @ rest
        left = of_new - across @ linalg.cho_solve(self._factor, known)
        covariance = within - across @ linalg.cho_solve(self._factor, across.T) + left @ self._of_fixed @ left.T
        return Predicted(np.asarray(means), np.asarray(covariance))

    def _shared(self, one: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
        """Returns [effects, rows of one, rows of the other] what two rows have in common, for a variance of one."""
        slopes = [(_scaled(one, name, *at), _scaled(other, name, *at)) for name, at in self._scales.items()]
        return np.array([*(_same(one, other, level) for level in LEVELS), *(np.outer(*pair) for pair in slopes)])


def _scales(rows: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Returns the mean and the standard deviation of each number that rows have; inf where it is equal or unknown."""
    found = {name: (float(rows[name].mean()), float(rows[name].std())) for name in NUMBERS if name in rows}
    return {name: (mean, deviation if deviation > _EQUAL * (1 + abs(mean)) else np.inf)
            for name, (mean, deviation) in found.items()}  # fmt: skip


def _scaled(rows: pd.DataFrame, name: str, mean: float, deviation: float) -> np.ndarray:
    """Returns [rows] a number with mean 0 and variance 1, 0 where it is unknown."""
    values = rows[name].to_numpy(float) if name in rows else np.full(len(rows), np.nan)
    return np.nan_to_num((values - mean) / deviation)


def _usable(rows: pd.DataFrame) -> list[str]:
    """Returns the fixed columns that differ between rows, without one that others determine."""
    found: list[str] = []
    for name in FIXED:
        if np.linalg.matrix_rank(_design(rows, [*found, name])) == len(found) + 2:
            found.append(name)
    return found


def _design(rows: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    return np.column_stack([np.ones(len(rows)), *(rows[name].to_numpy(float) for name in names)])


def _same(one: pd.DataFrame, other: pd.DataFrame, level: Sequence[str]) -> np.ndarray:
    """Returns [rows of one, rows of the other] 1 where both have all columns of a level in common, else 0."""
    found = np.ones((len(one), len(other)))
    for name in level:
        codes, _ = pd.factorize(pd.concat([one[name], other[name]]))
        found *= codes[: len(one), None] == codes[None, len(one) :]
    return found


def _fitted(
    gains: np.ndarray, known: np.ndarray, parts: np.ndarray, by_runs: np.ndarray, start: np.ndarray | None
) -> np.ndarray:
    """Returns the variance of each part [parts, rows, rows] beside the known covariance by runs; a weak penalty keeps
    those without evidence small."""
    scale = float(np.var(gains)) + _LEAST

    def loss(logs: np.ndarray) -> tuple[float, np.ndarray]:
        variances = np.exp(logs)
        whole = by_runs + np.tensordot(variances, parts, 1)
        inverse = np.linalg.inv(whole)
        weighted = inverse @ known
        total = known.T @ weighted
        projected = inverse - weighted @ np.linalg.solve(total, weighted.T)
        weights = projected @ gains
        size = np.linalg.slogdet(whole)[1] + np.linalg.slogdet(total)[1]
        value = size + gains @ weights + variances.sum() / scale
        slopes = np.tensordot(parts, projected, 2) - (parts @ weights) @ weights + 1 / scale
        return float(value), slopes * variances

    first = np.full(len(parts), scale / len(parts)) if start is None else np.clip(start, _LEAST, 10 * scale)
    bounds = [(np.log(_LEAST), np.log(10 * scale))] * len(parts)
    how = {"maxiter": _STEPS}
    found = optimize.minimize(loss, np.log(first), jac=True, bounds=bounds, method="L-BFGS-B", options=how)
    return np.asarray(np.exp(found.x))
