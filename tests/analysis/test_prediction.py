"""Predicted gains: effects that were put in are found, nothing is found where there is none, and skill is measured."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.results.numbers import make, record_all
from tests.running import QUICK, xtransfer
from xtransfer.analysis.prediction.features import FEATURES, with_features
from xtransfer.analysis.prediction.model import LEVELS, Model
from xtransfer.analysis.prediction.observed import described, nearest, observed, wanted
from xtransfer.analysis.prediction.predict import judged, predict
from xtransfer.analysis.prediction.skill import Skill, _expected_ndcg, _ndcg, skill
from xtransfer.base.errors import RequestError
from xtransfer.results.database import open_database
from xtransfer.scoring.description import Description

INTERMEDIATES = ("mnli@en", "mnli@de", "mnli@sw", "ocnli@zh", "squad@en", "tydiqa@sw")
LANGUAGES = ("de", "zh", "sw", "fr", "ru", "hi")


def rows(gain: object, targets: int = 6, noise: float = 0.3, seed: int = 0, of_runs: float = 0.01) -> pd.DataFrame:
    """Gains of every intermediate for `targets` targets in every language; `gain` takes intermediate and language."""
    rng = np.random.default_rng(seed)
    found = [
        ("tiny", f"target{number}", name, code, gain(name, code) + noise * rng.normal(), 3, of_runs)  # type: ignore[operator]
        for number in range(targets)
        for name in INTERMEDIATES
        for code in LANGUAGES
    ]
    columns = ["encoder", "target", "intermediate", "language", "gain", "runs", "of_runs"]
    return pd.DataFrame(found, columns=columns).assign(run_degrees=100)


def of_task(name: str, code: str) -> float:
    return 5.0 if name.startswith("mnli") else 0.0


def own_language(name: str, code: str) -> float:
    return 6.0 if name.endswith(f"@{code}") else 0.0


def test_what_a_task_gave_is_expected_of_it_in_another_language() -> None:
    found = predict(rows(of_task), ["tiny"], {"new": LANGUAGES}, ["direct", "mnli@fr", "ocnli@fr", "xquad@fr"])
    assert found["intermediate"].tolist()[0] == "mnli@fr" and "direct" not in set(found["intermediate"])
    first, last = found.iloc[0], found.iloc[-1]
    assert first["gain"] == pytest.approx(5, abs=0.7) and first["same_intermediate"] == 0 and first["same_task"] == 108
    assert first["low"] < 5 < first["high"]
    assert found.set_index("intermediate").loc["xquad@fr", "same_task"] == 0
    widest = found.set_index("intermediate").loc["xquad@fr"]
    assert widest["high"] - widest["low"] > first["high"] - first["low"] and last["gain"] < 4


def test_the_own_language_is_expected_to_help_where_it_did() -> None:
    known = rows(own_language)
    model = Model(known)
    asked = described(wanted("tiny", "new", ["mnli@fr"], ["fr", "ru"]))
    means = model.predict(asked).means
    assert means[0] - means[1] == pytest.approx(6, abs=1.5)


def test_nothing_is_found_where_nothing_is() -> None:
    found = predict(rows(lambda name, code: 1.0, noise=1.0), ["tiny"], {"new": LANGUAGES}, INTERMEDIATES)
    assert np.ptp(found["gain"]) < 0.5 and ((found["low"] < 1) & (found["high"] > 1)).all()


def test_intervals_cover_the_gains_of_a_target_that_was_left_out() -> None:
    """Targets differ in what each task gives; an interval for a new target must allow for that."""
    inside = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        effects = {(f"target{t}", name): 2 * rng.normal() for t in range(7) for name in INTERMEDIATES}
        known = rows(of_task, targets=7, seed=seed)
        known["gain"] += [effects[one] for one in zip(known["target"], known["intermediate"], strict=True)]
        left = known["target"] == "target6"
        found = predict(known[~left], ["tiny"], {"target6": LANGUAGES}, INTERMEDIATES).set_index("intermediate")
        for name in INTERMEDIATES:
            truth = of_task(name, "") + effects["target6", name]
            inside.append(found.loc[name, "low"] < truth < found.loc[name, "high"])
    assert 0.85 < np.mean(inside) <= 1


def test_how_much_a_new_thing_may_differ_is_known_from_several_alone() -> None:
    """With one target or encoder recorded, nothing tells how others differ; with two, little does."""
    whole = rows(of_task)

    def width(known: pd.DataFrame, encoder: str = "tiny", target: str = "new", name: str = "mnli@de") -> float:
        found = predict(known, [encoder], {target: LANGUAGES}, [name])
        return float((found["high"] - found["low"])[0])

    one, two = (whole[whole["target"].isin([f"target{number}" for number in range(most)])] for most in (1, 2))
    assert np.isnan(width(one)) and width(two) > 4 * width(whole)
    assert np.isnan(width(whole, encoder="large")) and width(one, target="target0") < 3
    assert np.isnan(width(whole[whole["intermediate"] == "mnli@de"], name="mnli@fr", target="target0"))
    assert np.isnan(width(whole.assign(run_degrees=0), target="target0"))  # the spread of runs is assumed


def test_what_a_run_does_to_all_languages_is_little_evidence() -> None:
    sure, unsure = (predict(rows(of_task, targets=1, of_runs=of_runs), ["tiny"], {"target0": LANGUAGES}, ["mnli@de"])
                    for of_runs in (0.001, 9.0))  # fmt: skip
    width = [float((one["high"] - one["low"]).iloc[0]) for one in (sure, unsure)]
    assert width[1] > 2 * width[0]


def test_levels_and_variances_belong_together() -> None:
    assert len(Model(rows(of_task)).variances) == len(LEVELS) + 2


def test_the_skill_of_a_ranking_is_by_hand() -> None:
    assert _ndcg(np.array([3.0, 2.0, 1.0, 0.0])) == 1.0
    weights = 1 / np.log2([2, 3, 4])
    assert _ndcg(np.array([0.0, 1.0, 2.0, 3.0])) == pytest.approx((np.array([0, 1, 2]) @ weights)
                                                                 / (np.array([3, 2, 1]) @ weights))  # fmt: skip
    assert _ndcg(np.ones(4)) == 1.0 == _expected_ndcg(np.ones(4))
    orders = [_ndcg(np.array(order)) for order in permutations([4.0, 1.0, 0.0, 2.0])]
    assert _expected_ndcg(np.array([4.0, 1.0, 0.0, 2.0])) == pytest.approx(np.mean(orders))


def test_prediction_beats_simple_rules_where_there_is_something_to_learn() -> None:
    gains = {"squad@en": 6.0, "tydiqa@sw": 5.0, "mnli@en": 0.0, "mnli@de": 0.5, "mnli@sw": -1.0, "ocnli@zh": -2.0}
    found = {one.rule: one for one in skill(rows(lambda name, code: gains[name]), "target")}
    assert found["predicted"].ndcg > 0.98 and found["predicted"].regret < 0.3
    assert found["predicted"].ndcg > found["nearest language"].ndcg and found["any"].regret == pytest.approx(
        4.6, abs=0.2
    )
    assert {one.cases for one in found.values()} == {6}


def test_a_prediction_that_is_no_better_says_so() -> None:
    better = [Skill("predicted", 0.9, 0.5, 6), Skill("static mean gain", 0.8, 1.0, 6), Skill("any", 0.5, 2.0, 6)]
    assert "better than every simple rule" in judged(better, "target")
    few = [Skill("predicted", 0.9, 0.5, 4), *better[1:]]
    assert "judged by too few cases" in judged(few, "target")
    poor = [Skill("predicted", 0.9, 1.5, 4), *better[1:]]
    assert "not better than the rule 'static mean gain'" in judged(poor, "target")
    worse = [Skill("predicted", 0.9, 1.5, 6), *better[1:]]
    assert "not better than the rule 'static mean gain'" in judged(worse, "target")
    assert "cannot be measured" in judged([], "target") and "cannot be measured" in judged(better[1:], "language")


def test_one_target_leaves_nothing_to_learn_from() -> None:
    assert skill(rows(of_task, targets=1), "target") == [] and skill(rows(of_task, targets=1), "language")
    empty = rows(of_task).iloc[:0]
    assert skill(empty, "target") == []
    with pytest.raises(RequestError, match="nothing is recorded"):
        predict(empty, ["tiny"], {"new": LANGUAGES}, INTERMEDIATES)


def test_nothing_to_predict_is_refused() -> None:
    with pytest.raises(RequestError, match="nothing to predict"):
        predict(rows(of_task), ["tiny"], {"new": LANGUAGES}, ["direct"])
    with pytest.raises(RequestError, match="nothing to predict"):
        predict(rows(of_task), ["tiny"], {"new": ["en"]}, INTERMEDIATES)


def test_the_nearest_language_counts() -> None:
    assert [nearest(["de", "zh"], code) for code in ("de", "nl", "fr", "tr")] == [0, 1, 2, 3]
    assert nearest(["zz"], "de") == nearest(["de"], "zz") == 3


def test_recorded_gains_are_read_once(tmp_path: Path) -> None:
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as database:
        numbers = make(tmp_path)
        record_all(database, numbers)
        found = observed(database, numbers.store)
    assert set(found["language"]) == {"de", "sw"} and set(found["intermediate"]) == {"nli@en", "nli@de"}
    assert found["runs"].tolist() == [3] * 4 and set(found["encoder"]) == {"tiny"}
    assert "log2_rows" in found
    german = found[(found["intermediate"] == "nli@de") & (found["language"] == "de")].iloc[0]
    assert german["gain"] == pytest.approx(30) and german["of_runs"] == pytest.approx(0)


def test_cells_of_another_recipe_are_runs_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal seeds, targets and intermediates do not make two trainings the same; a shared cell counts once."""
    columns = {"encoder": "tiny@0", "target": "t", "intermediate": "nli@en", "language": "de"}
    ours = pd.DataFrame({"seed": [0, 1], "gain": [1.0, 2.0], "log2_rows_seen": 8.0, **columns})
    theirs = ours.assign(gain=[1.0, 9.0])
    longer = ours.assign(gain=[5.0, 6.0], log2_rows_seen=10.0)
    frames = {"a": ours, "b": theirs, "c": longer}
    for order in permutations(frames):
        monkeypatch.setattr("xtransfer.analysis.prediction.observed.study_names", lambda _, order=order: order)
        monkeypatch.setattr(
            "xtransfer.analysis.prediction.observed._of_study",
            lambda _, __, name: [frames[name].assign(study=name)],
        )
        found = observed(None, None).set_index("log2_rows")  # type: ignore[arg-type]
        assert found["runs"].to_dict() == {8.0: 3, 10.0: 2} and found["gain"].to_dict() == {8.0: 4.0, 10.0: 5.5}
        assert found["run_degrees"].tolist() == [3, 3]


def test_a_cold_start_says_so(tmp_path: Path) -> None:
    done = xtransfer(tmp_path / "home", "predict", QUICK)
    assert done.returncode == 2 and ("no results here yet" in done.stderr or "nothing is recorded" in done.stderr)


# Features of one pass of the encoder


def described_as(mean: list[float], tokens: set[int], evidence: float | None = None) -> Description:
    return Description(np.array(mean), frozenset(tokens), 10, evidence, evidence)


def test_features_are_means_over_parts_and_unknown_where_nothing_is_described() -> None:
    parts = [described_as([1, 0], {1, 2}, -1.0), described_as([0, 1], {2, 3}, -2.0)]
    frame = wanted("tiny", "xnli", ["a@en+b@de", "c@en"], ["de", "fr"])
    found = with_features(
        frame, {("tiny", "a@en+b@de"): parts}, {("tiny", "xnli", "de"): described_as([1, 0], {1, 3, 5, 7})}
    ).set_index(["intermediate", "language"])
    first = found.loc["a@en+b@de", "de"]
    assert (first["similarity"], first["overlap"]) == (pytest.approx(0.5), pytest.approx(0.25))
    assert first["log_evidence"] == first["h_score"] == -1.5
    assert found.loc["a@en+b@de", "fr"][["similarity", "overlap"]].isna().all()
    assert found.loc["c@en"][[*FEATURES]].isna().all(axis=None)


def test_a_feature_that_goes_with_gains_predicts_those_of_new_intermediates() -> None:
    alike = dict(zip((*INTERMEDIATES, "new@fr", "other@fr"), (0.1, 0.3, 0.5, 0.7, 0.9, 0.2, 0.9, 0.1), strict=True))

    def featured(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(similarity=frame["intermediate"].map(alike), overlap=np.nan)

    known = featured(rows(lambda name, code: 10 * alike[name]))
    found = predict(known, ["tiny"], {"new": LANGUAGES}, ["new@fr", "other@fr"], featured).set_index("intermediate")
    assert found["gain"]["new@fr"] - found["gain"]["other@fr"] == pytest.approx(8, abs=2)
    blind = predict(known.drop(columns=["similarity", "overlap"]), ["tiny"], {"new": LANGUAGES}, ["new@fr", "other@fr"])
    assert abs(blind["gain"][0] - blind["gain"][1]) < 0.5
    width = (found["high"] - found["low"]).max()
    assert width < (blind["high"] - blind["low"]).min()


def test_the_size_of_an_intermediate_counts_where_it_went_with_gains() -> None:
    sizes = dict(
        zip((*INTERMEDIATES, "new@fr", "other@fr"), (8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 7.0), strict=True)
    )

    def sized(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(log2_rows=frame["intermediate"].map(sizes))

    known = sized(rows(lambda name, code: sizes[name]))
    found = predict(known, ["tiny"], {"new": LANGUAGES}, ["new@fr", "other@fr"], sized).set_index("intermediate")
    assert found["gain"]["new@fr"] - found["gain"]["other@fr"] == pytest.approx(7, abs=1)
    unknown = predict(known, ["tiny"], {"new": LANGUAGES}, ["new@fr", "other@fr"])
    assert abs(unknown["gain"][0] - unknown["gain"][1]) < 0.5


def test_a_feature_that_means_nothing_changes_little() -> None:
    known = rows(of_task)
    featured = known.assign(similarity=np.random.default_rng(3).random(len(known)))
    means = Model(featured).predict(described(featured)).means
    assert means == pytest.approx(Model(known).predict(described(known)).means, abs=0.15)


def test_skill_is_measured_where_a_number_differs_in_one_part_of_the_rows_alone() -> None:
    known = rows(of_task).assign(log2_rows=10 / 3, similarity=np.nan)
    known.loc[known["target"] == "target0", "log2_rows"] = 12.0
    assert [one.cases for one in skill(known, "target") if one.rule == "predicted"] == [6]


def test_skill_is_told_with_the_encoders_pass_and_without() -> None:
    own, other = Skill("predicted", 0.9, 0.4, 8), Skill("predicted", 0.8, 0.5, 8)
    rest = [Skill("any", 0.6, 2.0, 8), Skill("English first", 0.7, 1.0, 8)]
    assert judged([own, *rest], "target", [other, *rest]).endswith("Without the encoder's pass: 0.5 and 0.80.")
    assert "pass" not in judged([own, *rest], "target")
