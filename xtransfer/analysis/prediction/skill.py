"""How well gains are predicted: each target, or each test language, from all others.

A ranking is judged by NDCG@3 (Järvelin & Kekäläinen 2002; relevance is the gain above the smallest one) and by
regret@1, the points that its first choice is worse than the best.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from xtransfer.analysis.prediction.model import Model
from xtransfer.analysis.prediction.observed import described, nearest
from xtransfer.study.intermediate import Intermediate

By = Literal["target", "language"]
BOTH: tuple[By, ...] = ("target", "language")
RULES = ("predicted", "static mean gain", "English first", "nearest language", "any")
_FEWEST = 3  # intermediates of a ranking
_TOP = 3


@dataclass(frozen=True)
class Skill:
    """The mean skill of a rule over what was left out in turn."""

    rule: str
    ndcg: float
    regret: float  # points
    cases: int  # encoders and targets, or encoders and languages


def skill(rows: pd.DataFrame, by: By) -> list[Skill]:
    """Returns the skill of each rule; none where nothing is left after one is left out.

    `rows` are as of `observed`. `static mean gain` ranks by the mean over the rows that are not left out, `English
    first` an English intermediate before all others, `nearest language` by distance to the test languages, both then by
    the static mean; `any` is the mean over all orders.
    """
    if rows.empty:
        return []
    found: dict[str, list[tuple[float, float]]] = {rule: [] for rule in RULES}
    for scores, truth in _left_out(rows, by):
        for rule, values in scores.items():
            order = np.argsort(-values, kind="stable")
            found[rule].append((_ndcg(truth[order]), float(truth.max() - truth[order[0]])))
        found["any"].append((_expected_ndcg(truth), float(truth.max() - truth.mean())))
    means = {rule: np.mean(cases, axis=0) for rule, cases in found.items() if cases}
    return [Skill(rule, float(mean[0]), float(mean[1]), len(found[rule])) for rule, mean in means.items()]


def _left_out(rows: pd.DataFrame, by: By) -> Iterator[tuple[dict[str, np.ndarray], np.ndarray]]:
    """Yields per case the scores that each rule gives to its intermediates, and their true gains."""
    whole = Model(rows)
    for value in dict.fromkeys(rows[by]):
        left, rest = rows[rows[by] == value], rows[rows[by] != value]
        if rest.empty or left["intermediate"].nunique() < _FEWEST:
            continue
        means = Model(rest, whole.variances).predict(described(left))
        static = rest.groupby("intermediate")["gain"].mean()
        for _, part in left.assign(predicted=means.means).groupby("encoder", sort=False):
            grouped = part.groupby("intermediate", sort=False)
            truth, guess = grouped["gain"].mean(), grouped["predicted"].mean()
            if len(truth) < _FEWEST:
                continue
            base = static.reindex(truth.index).fillna(rest["gain"].mean()).to_numpy(float)
            small = (base - base.min()) / (np.ptp(base) + 1e-9) / 2  # less than one step of a rank
            sources = [{one.language for one in Intermediate.parse(name).all_parts} for name in truth.index]
            english = np.array([float(of == {"en"}) for of in sources])
            near = np.array([-np.mean([nearest(of, code) for code in part["language"].unique()]) for of in sources])
            scores = {"predicted": guess.to_numpy(float), "static mean gain": base, "English first": english + small,
                      "nearest language": near + small / 100}  # fmt: skip
            yield scores, truth.to_numpy(float)


def _ndcg(ordered: np.ndarray) -> float:
    """Returns NDCG@3 of gains in the order of a ranking; 1 where all are equal."""
    relevance = ordered - ordered.min()
    weights = 1 / np.log2(np.arange(2, min(_TOP, len(ordered)) + 2))
    best = np.sort(relevance)[::-1][: len(weights)] @ weights
    return float(relevance[: len(weights)] @ weights / best) if best > 0 else 1.0


def _expected_ndcg(truth: np.ndarray) -> float:
    """Returns the mean NDCG@3 over all orders."""
    relevance = truth - truth.min()
    weights = 1 / np.log2(np.arange(2, min(_TOP, len(truth)) + 2))
    best = np.sort(relevance)[::-1][: len(weights)] @ weights
    return float(relevance.mean() * weights.sum() / best) if best > 0 else 1.0
