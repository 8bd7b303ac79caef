"""A mixed-effects model of the gain: what about an intermediate and a test language goes with a larger one.

One model per target; the terms are described in `xtransfer.analysis.predictors`. No term differs between the runs
(encoders and seeds) of an intermediate, so gains are averaged over runs first: one number per pair of intermediate and
test language. Random intercepts for the intermediate and for the language stand for all that makes pairs alike without
being a term. What a run or a checkpoint does to all languages is in the first, what is peculiar to a pair is the
residual. A model of the single runs without these would count each as evidence of its own, and more seeds would make a
term that is the same for all rows of an intermediate as certain as one likes.

Languages of one family or script may react alike to an intermediate for other reasons than the terms. Their pairs are
not independent evidence for `distance` and `same_script`, so an intermediate and a family, and an intermediate
and a script, have random intercepts too. Simulated without any effect (`python -m perf.clusters`), p values below 5%
then occur as often as they should from eight intermediates on; with fewer, these terms have only an estimate.

Variances are fitted by restricted maximum likelihood (statsmodels' MixedLM), coefficients by generalised least squares
with these. Intervals and p values take Student's t with the degrees of freedom of the level at which a term varies
(Pinheiro & Bates, "Mixed-Effects Models in S and S-PLUS", 2000, 2.4.2): a term that differs between intermediates only
has as many as there are intermediates, less those that are spent.

An association over the intermediates of a study is not a causal effect: languages were not assigned at random.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from xtransfer.analysis.grid import DIRECT, Grid
from xtransfer.analysis.predictors import CLUSTERS, TERMS, observations
from xtransfer.analysis.verdict import Verdict

COLUMNS = ("target", "term", "estimate", "low", "high", "p", "degrees", "n", "n_intermediates", "n_languages",
           "n_runs", "verdict", "note")  # fmt: skip
_FEWEST_DEGREES = 2  # of freedom: with one, Student's t is wider than anything that could be learnt
_SAME = {"log2_rows_seen": 0.05}  # 3.5% more rows: a translation that lost a few to its checks saw no fewer
_UNITS = ("intermediate", "language")
_FEWEST_INTERMEDIATES = 8  # for a term of languages that cluster
_NOTHING = 1e-12  # squared points: rounding


def mixed_effects(grid: Grid, *, baseline: str = DIRECT, level: float = 0.95) -> pd.DataFrame:
    """Returns coefficients of the gain over the baseline per target, in points per unit of each term.

    Columns: target, term, estimate, low, high, p, degrees (of freedom), n (gains: a row for each run, intermediate
    and language), n_intermediates, n_languages, n_runs (encoders × seeds), verdict (as in `Verdict`), note. A term
    that cannot be estimated has NaN and says why in its note; so have all terms of a model that cannot be fitted. With
    one run the estimate and its interval over pairs stand, without p and with the verdict "unknown"; with two runs p is
    missing, as it is of gains.
    """
    planned: dict[str, set[tuple[str, int]]] = {}
    for point in grid.points:
        planned.setdefault(point.target, set()).add((point.encoder, point.seed))
    lines = [
        line
        for target, runs in planned.items()
        for line in _lines(target, observations(grid, target, baseline), level, len(runs))
    ]
    return pd.DataFrame(lines, columns=[*COLUMNS])


def _lines(target: str, rows: pd.DataFrame, level: float, num_planned: int) -> Iterator[dict[str, Any]]:
    pairs = rows.groupby([*_UNITS, *CLUSTERS.values()], sort=False, as_index=False)[["gain", *TERMS]].mean()
    degrees, notes = design(pairs)
    estimates, fault = fitted(pairs, [*degrees]) if degrees else ({}, "")
    num_runs = len(rows[["encoder", "seed"]].drop_duplicates())
    covers = "seeds" if num_runs > 1 else "nothing"
    for term in TERMS:
        estimate, error = estimates.get(term, (np.nan, np.nan))
        few = _few(pairs, term)
        freedom = degrees[term] if term in estimates and not few else np.nan
        half = error * special.stdtrit(freedom, (1 + level) / 2)
        low, high = float(estimate - half), float(estimate + half)
        verdict = Verdict.of(low, high, covers, "seeds", num_runs, num_planned)
        yield {
            "target": target,
            "term": term,
            "estimate": estimate,
            "low": low,
            "high": high,
            "p": 2 * special.stdtr(freedom, -abs(estimate) / error) if verdict.has_p else np.nan,
            "degrees": freedom,
            "n": len(rows),
            **{f"n_{unit}s": pairs[unit].nunique() for unit in _UNITS},
            "n_runs": num_runs,
            "verdict": verdict.state if term in estimates else "",
            "note": notes[term] or fault or few or verdict.reason,
        }


def design(pairs: pd.DataFrame) -> tuple[dict[str, int], dict[str, str]]:
    """Returns degrees of freedom of the terms that can be estimated, and why the others cannot; in their order."""
    kept: dict[str, str] = {}  # term → the level at which it varies
    notes: dict[str, str] = {}
    for term in TERMS:
        notes[term] = _fault(pairs, kept, term)
        if not notes[term]:
            kept[term] = _level(pairs, term)
    return {term: _room(pairs, level) - list(kept.values()).count(level) for term, level in kept.items()}, notes


def _fault(pairs: pd.DataFrame, kept: Mapping[str, str], term: str) -> str:
    """Returns why a term cannot be estimated beside those kept; empty if it can."""
    if pairs.empty:
        return "no gains: nothing was scored beside the baseline"
    unknown = pairs[pairs[term].isna()]
    if len(unknown):
        one = unknown.iloc[0]
        return f"not known in {len(unknown)} of {len(pairs)} pairs, such as {one['intermediate']} to {one['language']}"
    if np.ptp(pairs[term]) < _SAME.get(term, 1e-9):  # means over runs may differ in their last digit
        return f"the same everywhere: {pairs[term].iloc[0]:.4g}"
    known = np.column_stack([np.ones(len(pairs)), *(pairs[one] for one in (*kept, term))])
    if np.linalg.matrix_rank(known) < known.shape[1]:
        return f"cannot be told apart from {', '.join(kept)}"
    level = _level(pairs, term)
    missing = _FEWEST_DEGREES - (_room(pairs, level) - list(kept.values()).count(level) - 1)
    if missing > 0:
        units = f"{level}s" if level in (*_UNITS, "pair") else f"pairs of an intermediate and a {level}"
        return f"differs only between {units}, of which there are too few: {missing} more at least"
    return ""


def _few(pairs: pd.DataFrame, term: str) -> str:
    """Returns why the uncertainty of a term cannot be judged; empty if it can."""
    missing = _FEWEST_INTERMEDIATES - int(pairs["intermediate"].nunique())
    if term not in CLUSTERS or missing <= 0 or _level(pairs, term) in _UNITS:
        return ""
    return f"languages of one {CLUSTERS[term]} are alike: {missing} more intermediates would be needed to judge it"


def _level(pairs: pd.DataFrame, term: str) -> str:
    """Returns the level at which a term varies: intermediate, language, else clusters of pairs.

    Clusters, "family" or "script", are an intermediate and the languages that share one.
    """
    constant = (unit for unit in _UNITS if pairs.groupby(unit)[term].nunique().max() == 1)
    return next(constant, CLUSTERS.get(term, "pair"))


def _room(pairs: pd.DataFrame, level: str) -> int:
    """Returns the degrees of freedom at a level before any term uses one."""
    if level in _UNITS:
        return int(pairs[level].nunique()) - 1
    columns = "language" if level == "pair" else level
    combined = len(pairs[["intermediate", columns]].drop_duplicates())
    return combined + 1 - int(pairs["intermediate"].nunique()) - int(pairs[columns].nunique())


def fitted(pairs: pd.DataFrame, terms: Sequence[str]) -> tuple[dict[str, tuple[float, float]], str]:
    """Returns estimate and standard error of each term; or none, and the reason."""
    gains = pairs["gain"].to_numpy(float)
    known = np.column_stack([np.ones(len(pairs)), *(pairs[term] for term in terms)])
    belongs = _random(pairs)
    with warnings.catch_warnings(record=True):  # of variances that are zero, which is usual; the rest is checked below
        warnings.simplefilter("always")
        try:
            converged, variances, residual = _variances(gains, known, belongs)
        except (np.linalg.LinAlgError, ValueError) as error:
            return {}, f"the model could not be fitted: {error}"
    if not converged:
        return {}, "the fit did not converge"
    if not residual > _NOTHING:
        return {}, "the gains do not vary beyond what the terms explain: there is nothing to judge them by"
    estimates, errors = _least_squares(gains, known, belongs, variances, residual)
    return dict(zip(terms, zip(estimates[1:].tolist(), errors[1:].tolist(), strict=True), strict=True)), ""


def _variances(
    gains: np.ndarray, known: np.ndarray, belongs: Mapping[str, np.ndarray]
) -> tuple[bool, np.ndarray, float]:
    """Returns whether the fit converged, the variance of each random intercept, and that of the residual."""
    from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec  # takes a second to import

    if not belongs:
        left = gains - known @ np.linalg.lstsq(known, gains)[0]
        return True, np.zeros(0), float(left @ left) / (len(gains) - known.shape[1])
    names = [[[f"{name} {number}" for number in range(of.shape[1])]] for name, of in belongs.items()]
    spec = VCSpec([*belongs], names, [[of] for of in belongs.values()])
    model = MixedLM(gains, known, groups=np.ones(len(gains)), exog_re=None, exog_vc=spec)
    fit = model.fit(method=["powell"])  # needs no gradient, which misleads where a variance is zero
    return bool(fit.converged), np.asarray(fit.vcomp), float(fit.scale)


def _least_squares(
    gains: np.ndarray, known: np.ndarray, belongs: Mapping[str, np.ndarray], variances: np.ndarray, residual: float
) -> tuple[np.ndarray, np.ndarray]:
    """Returns estimates and standard errors of generalised least squares with given variances.

    statsmodels takes errors from the curvature of the likelihood, which on a bound is not that of a maximum.
    """
    covariance = residual * np.eye(len(gains))
    for variance, of in zip(variances, belongs.values(), strict=True):
        covariance += variance * of @ of.T
    weighted = np.linalg.solve(covariance, known)
    spread = np.linalg.inv(known.T @ weighted)
    return np.asarray(spread @ (weighted.T @ gains)), np.asarray(np.sqrt(np.diag(spread)))


def _random(pairs: pd.DataFrame) -> dict[str, np.ndarray]:
    """Returns the random intercepts as [pairs, levels] of 0 and 1: units and clusters that have several pairs."""
    names = {unit: pairs[unit] for unit in _UNITS}
    names |= {one: pairs["intermediate"] + " " + pairs[one] for one in CLUSTERS.values()}
    found: dict[str, np.ndarray] = {}
    for name, of in names.items():
        levels = pd.get_dummies(of).to_numpy(float)
        if 1 < levels.shape[1] < len(pairs) and not any(_equal(levels, other) for other in found.values()):
            found[name] = levels
    return found


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    """Returns whether two sets of levels divide the pairs in the same way."""
    return bool(one.shape == other.shape and np.linalg.matrix_rank(np.hstack([one, other])) == one.shape[1])
