"""Rounds of a recorded study: where its question stands, what is unknown, and what cannot be asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.results.numbers import make
from tests.running import lab_study
from xtransfer.analysis import Grid, gains
from xtransfer.analysis.rounds.critical import looks
from xtransfer.analysis.rounds.of_grid import Log, log
from xtransfer.analysis.rounds.tables import history, standing, verdict
from xtransfer.analysis.statistics import STANDING
from xtransfer.base.errors import RequestError
from xtransfer.planning.study_check import check
from xtransfer.study.rounds import Rounds, Until


def noisy(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
    rng = np.random.default_rng([seed, len(intermediate), ord(intermediate[-1])])
    chance = {"direct": 0.40, "nli@en": 0.60, "nli@de": 0.61}[intermediate]
    return {code: list(100.0 * (rng.random(300) < chance)) for code in ("en", "de", "sw")}


def made(folder: Path, asked: Rounds, seeds: int = 6, only: int = 6, **more: object) -> tuple[Log, Grid]:
    numbers = make(folder, noisy, seeds=range(seeds), group_size=1, only=lambda name, seed: seed < only, **more)  # type: ignore[arg-type]
    study = numbers.plan.study.model_copy(update={"rounds": asked})
    grid = Grid(numbers.cells, numbers.store, study)
    found = log(grid)
    assert found is not None
    return found, grid


def test_a_study_says_where_its_question_stands(tmp_path: Path) -> None:
    found, grid = made(tmp_path, Rounds())
    states = standing(grid).set_index("intermediate")["state"]
    assert states["direct"] == "ruled out" and sorted(states) == ["first", "open", "ruled out"]
    told = history(grid)
    assert told["runs"].tolist() == list(looks(6))[: len(told)]
    assert told.iloc[0]["settled"] == "direct" and "direct" not in told.iloc[0]["next"]
    assert "Not ruled out as the best: nli@" in verdict(found) and "95% over all" in verdict(found)


def learns_once(intermediate: str, seed: int) -> dict[str, str]:
    return {"degenerate": "one class"} if intermediate == "nli@de" and seed else {}


@pytest.mark.parametrize("until", ["decided", "likely"])
def test_what_seldom_learnt_is_unknown_and_runs_again(tmp_path: Path, until: Until) -> None:
    found, grid = made(tmp_path, Rounds(until=until), only=3, train_facts=learns_once)
    row = standing(grid).set_index("intermediate").loc["nli@de"]
    assert (row["state"], row["n_runs"], row["usable"]) == ("unknown", 3, 1) and np.isnan(row["difference"])
    shown = STANDING.table(standing(grid)).set_index("intermediate").loc["nli@de"]
    assert shown[["runs", "difference", "interval"]].tolist() == ["3 (1 usable)", "not known", "not known"]
    told = history(grid).iloc[-1]
    assert "nli@de" in told["next"] and "of nli@de too few usable runs are known" in told["why"]
    assert "nan" not in told["why"] and found.waiting[2] == 4
    assert "Too few runs learnt something to say anything of nli@de (1 of 3)." in verdict(found)
    assert verdict(found).startswith("nli@en has the largest mean of those that can be compared.")


def test_what_each_is_compared_with_must_have_learnt(tmp_path: Path) -> None:
    found, _ = made(tmp_path, Rounds(against="nli@en"), only=3, train_facts=learns_once)
    assert "not known: nli@de" in verdict(found)
    none, grid = made(tmp_path / "none", Rounds(against="nli@de"), only=3, train_facts=learns_once)
    assert verdict(none) == "No other has two usable runs in common with nli@de after 3 runs of each."
    assert standing(grid)["state"].tolist() == ["unknown"] * 3 and standing(grid)["difference"].isna().all()
    assert history(grid).iloc[0]["why"] == "no other has two usable runs in common with nli@de"


def test_a_study_by_rounds_that_is_over_says_what_stayed_unknown(tmp_path: Path) -> None:
    found, _ = made(tmp_path, Rounds(), train_facts=learns_once)
    assert found.waiting == () and "say anything of nli@de (1 of 6)" in verdict(found)


def test_what_was_decided_says_by_how_much(tmp_path: Path) -> None:
    """Not by what does not matter, which may be far more than the data leave open."""
    found, _ = made(tmp_path, Rounds(within=60), only=3)
    last = found.rounds[-1]
    assert last.state == "decided" and 0 < last.regret < 20
    assert f"is the best, or at most {last.regret:.1f} points below it (95% over all 3" in verdict(found)
    assert "4 looks that there may be" in verdict(found)  # after 3, 4, 5 and 6 runs, though there was one


def test_a_study_with_three_runs_waits_for_a_fourth(tmp_path: Path) -> None:
    found, grid = made(tmp_path, Rounds(within=4), only=3)
    assert len(found.rounds) == 1 and found.waiting == (3, 4, 4)
    assert len(history(grid)) == 1
    waiting, _ = made(tmp_path / "fewer", Rounds(), only=2)
    assert waiting.rounds == () and waiting.waiting == (3, 3, 3) and "No look yet" in verdict(waiting)


def test_each_is_compared_with_one(tmp_path: Path) -> None:
    found, grid = made(tmp_path, Rounds(against="nli@en", within=10))
    states = standing(grid).set_index("intermediate")["state"]
    assert states.to_dict() == {"direct": "worse", "nli@en": "reference", "nli@de": "as good"}
    assert verdict(found).startswith("Against nli@en: worse: direct; no difference that matters: nli@de (95%")


def test_one_language_may_be_asked_for(tmp_path: Path) -> None:
    found, _ = made(tmp_path, Rounds(language="sw"), intermediates=["direct", "nli@en"])
    numbers = make(tmp_path / "again", noisy, seeds=range(6), group_size=1, intermediates=["direct", "nli@en"])
    frame = gains(numbers.cells, numbers.store)
    row = frame[(frame["intermediate"] == "nli@en") & (frame["language"] == "sw")].iloc[0]
    last = found.rounds[-1]
    assert abs(last.against[0]) == pytest.approx(abs(row["gain"])) or last.runs != (6, 6)


def test_intervals_of_a_study_by_rounds_hold_for_all_its_looks(tmp_path: Path) -> None:
    _, grid = made(tmp_path, Rounds())
    fixed, looked_at = gains(Grid(grid.points, grid.store), grid.store), gains(grid, grid.store)
    width = [(frame["high"] - frame["low"]).dropna() for frame in (fixed, looked_at)]
    assert (width[1] > 1.1 * width[0]).all() and looked_at["gain"].equals(fixed["gain"])


def test_a_study_that_is_not_run_by_rounds_has_none(tmp_path: Path) -> None:
    numbers = make(tmp_path)
    grid = Grid(numbers.cells, numbers.store)
    assert log(grid) is None and history(grid).empty and standing(grid).empty


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"intermediates": ["direct"]}, "one intermediate, direct, so there is nothing to choose between"),
        ({"seeds": [0, 1]}, r"need 3 seeds or more \(--set seeds=\[...\]\), 'one' has 2"),
        ({"targets": ["lab-inference", "lab-retrieval"]}, "name one of lab-inference, lab-retrieval: --set"),
        ({"rounds": {"target": "lab-copa"}}, "lab-copa"),
        ({"rounds": {"against": "lab-nli@de"}}, "lab-nli@de"),
        ({"rounds": {"against": "direct", "until": "likely"}}, "leave out 'against'"),
        ({"encoders": ["lab-tiny@0", "lab-mini@0"]}, "name one encoder, or several seeds of one"),
        ({"languages": ["de"], "rounds": {"language": "fr"}}, "rounds.language"),
        ({"rounds": {"language": "sv"}}, "rounds.language"),
        ({"languages": ["en"]}, "rounds.language 'mean-but-en'"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        check(lab_study(**{"rounds": {}, **fields}))
