"""Predicted gains of a study's intermediates, with what stands behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import special

from xtransfer.analysis.grid import DIRECT
from xtransfer.analysis.paired_difference import BUT_EN
from xtransfer.analysis.points import ENGLISH
from xtransfer.analysis.prediction.model import Model
from xtransfer.analysis.prediction.observed import described, wanted
from xtransfer.analysis.prediction.skill import Skill
from xtransfer.base.errors import RequestError

if TYPE_CHECKING:
    from xtransfer.study.study import Study

Featured = Callable[["pd.DataFrame"], "pd.DataFrame"]
COLUMNS = (
    "encoder",
    "target",
    "intermediate",
    "gain",
    "low",
    "high",
    "runs",
    "same_intermediate",
    "same_task",
    "same_language",
)
_NORMAL = 1.96  # of a 95% interval
_CERTAIN, _MOST = 0.01, 100.0  # points: the standard deviation of what is known, and the largest one
_FEWEST = 5  # cases that say whether a prediction is better than a rule


def predict(
    rows: pd.DataFrame,
    encoders: Sequence[str],
    targets: Mapping[str, Sequence[str]],
    intermediates: Sequence[str],
    featured: Featured = lambda frame: frame,
) -> pd.DataFrame:
    """Returns the predicted gain of every intermediate on the mean over all languages but English, best first.

    Columns: encoder, target, intermediate, gain, low, high (points; the 95% interval of the true gain; NaN where the
    recorded gains cannot tell how much what is new may differ), runs (recorded of exactly this encoder, target and
    intermediate), same_intermediate, same_task, same_language (recorded gains that have it in common; each is of an
    encoder, target, intermediate and language).

    Args:
        rows: recorded gains, as of `observed`.
        encoders: without seeds and revisions.
        targets: slug of a target → its languages.
        intermediates: slugs; `direct` is left out.
        featured: adds to the rows to predict the features that the recorded ones have.

    Raises RequestError if nothing is recorded, or nothing is left to predict.
    """
    if rows.empty:
        raise RequestError(
            "nothing is recorded that a gain could be predicted from: run a first study, such as xtransfer run lab"
        )
    demand_something(targets, intermediates)
    known, model = described(rows), Model(rows)
    found = []
    for encoder in encoders:
        for target, languages in targets.items():
            asked = described(featured(wanted(encoder, target, intermediates, languages)))
            made = model.predict(asked)
            for name in dict.fromkeys(one for one in intermediates if one != DIRECT):
                own = (asked["intermediate"] == name).to_numpy(float)
                weights = own / own.sum()
                sd = float(np.sqrt(weights @ made.covariance @ weights))
                gain, first = float(weights @ made.means), asked[own == 1].iloc[0]
                same = {column: int((known[column] == first[column]).sum())
                        for column in ("intermediate", "task", "source")}  # fmt: skip
                half = sd * _quantile(_degrees(known, first, rows["run_degrees"].min()))
                here = (
                    known[["encoder", "target", "intermediate"]] == first[["encoder", "target", "intermediate"]]
                ).all(axis=1)
                runs = int(rows["runs"][here.to_numpy()].max()) if here.any() else 0
                found.append((encoder, target, name, gain, gain - half, gain + half, runs, *same.values()))
    frame = pd.DataFrame(found, columns=[*COLUMNS])
    return frame.sort_values(["encoder", "target", "gain"], ascending=[True, True, False], ignore_index=True)


def demand_something(targets: Mapping[str, Sequence[str]], intermediates: Sequence[str]) -> None:
    """Raises RequestError for a target that has nothing to predict."""
    for target, languages in targets.items():
        if wanted("", target, intermediates, languages).empty:
            raise RequestError(
                f"'{target}': nothing to predict without an intermediate but direct and a language but English"
            )


def _degrees(known: pd.DataFrame, asked: pd.Series, of_runs: float) -> float:
    """Returns the degrees of freedom of what a predicted gain varies by: of runs, and of all of a kind that is new."""
    new = [name for name in ("encoder", "target") if asked[name] not in set(known[name])]
    if asked["intermediate"] not in set(known["intermediate"]):
        new.append("intermediate" if asked["task"] in set(known["task"]) else "task")
    return min([of_runs, *(known[name].nunique() - 1 for name in new)])


def _quantile(degrees: float) -> float:
    """Returns that of a 95% interval (Student's t); NaN without a degree of freedom."""
    return float(special.stdtrit(degrees, 0.975)) if degrees >= 1 else np.nan


def prior(
    rows: pd.DataFrame, study: Study, languages: Sequence[str], featured: Featured = lambda frame: frame
) -> dict[str, tuple[float, float]]:
    """Returns what is predicted for the question of a study by rounds: intermediate → gain and its standard deviation,
    in points; `direct` gains nothing. Empty if nothing is recorded, or the question is English.

    Args:
        rows: recorded gains, as of `observed`.
        study: with `rounds`.
        languages: of the target of the rounds.
        featured: as of `predict`.
    """
    assert study.rounds is not None
    asked = languages if study.rounds.language == BUT_EN else [study.rounds.language]
    if rows.empty or not set(asked) - {ENGLISH}:
        return {}
    encoder = study.encoders[0].partition("@")[0]
    slugs = [one.slug for one in study.intermediates]
    found = predict(rows, [encoder], {study.rounds.target_in(study): asked}, slugs, featured)
    found = found[np.isfinite(found["low"])]
    deviations = ((found["high"] - found["low"]) / (2 * _NORMAL)).clip(_CERTAIN, _MOST).round(2)
    known = dict(zip(found["intermediate"], zip(found["gain"].round(2), deviations, strict=True), strict=True))
    known |= {DIRECT: (0.0, _CERTAIN)} if DIRECT in slugs else {}
    return known if len(known) > 1 else {}


def judged(found: Sequence[Skill], by: str, without: Sequence[Skill] = ()) -> str:
    """Returns the measured skill beside the best of the simple rules, in a sentence.

    `without` is the skill without features, if there are any.
    """
    rules = {one.rule: one for one in found}
    if "predicted" not in rules:
        return (f"Its skill cannot be measured: that takes two recorded {by}s or more, with three intermediates each "
                "beside direct.")  # fmt: skip
    own = rules.pop("predicted")
    chance = rules.pop("any")
    best = min(rules.values(), key=lambda one: (one.regret, -one.ndcg))
    better = own.regret < best.regret and own.ndcg > best.ndcg
    verdict = "better than every simple rule" if better else f"not better than the rule '{best.rule}'"
    if own.cases < _FEWEST and better:
        verdict = "better than the simple rules here, but judged by too few cases to rely on that"
    return (
        f"Each {by} predicted from the others ({own.cases} cases): regret@1 {own.regret:.1f} points, NDCG@3 "
        f"{own.ndcg:.2f}; {best.rule} {best.regret:.1f} and {best.ndcg:.2f}; any choice {chance.regret:.1f} and "
        f"{chance.ndcg:.2f}. The prediction is {verdict}."
    ) + "".join(f" Without the encoder's pass: {one.regret:.1f} and {one.ndcg:.2f}."
                for one in without if one.rule == "predicted")  # fmt: skip
