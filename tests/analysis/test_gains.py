"""Gains and contrasts of a study whose numbers a hand can compute."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.results.numbers import LANGUAGES, make, record_all, right, simple
from xtransfer.analysis import Grid, contrasts, gains, ranking, study_points
from xtransfer.base.errors import DataError, StoreError
from xtransfer.report.tables import headline
from xtransfer.results.database import open_database
from xtransfer.results.write import record_study
from xtransfer.store.artifacts import ArtifactStore


def row(frame: pd.DataFrame, intermediate: str, language: str, encoder: str = "tiny@0") -> pd.Series:
    chosen = frame.query("intermediate == @intermediate and language == @language and encoder == @encoder")
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_values_and_gains(tmp_path: Path) -> None:
    numbers = make(tmp_path)
    frame = gains(numbers.cells, numbers.store)
    assert row(frame, "direct", "de")["value"] == pytest.approx((30 + 40 + 30) / 3)
    assert np.isnan(row(frame, "direct", "de")["gain"])
    german = {language: row(frame, "nli@de", language)["gain"] for language in LANGUAGES}
    assert german == pytest.approx({"en": 10, "de": 30, "sw": 20})
    assert row(frame, "nli@de", "mean-but-en")["gain"] == pytest.approx(25)
    assert row(frame, "nli@de", "mean-others")["gain"] == pytest.approx(20)  # without German
    assert row(frame, "nli@en", "mean-others")["gain"] == pytest.approx(10)
    assert row(frame, "any", "mean-but-en")["gain"] == pytest.approx((10 + 25) / 2)
    assert row(frame, "any", "mean-others")["gain"] == pytest.approx((10 + 20) / 2)
    one = row(frame, "nli@de", "de")
    assert (one["n_seeds"], one["n_items"], one["covers"]) == (3, 10, "seeds and items")
    assert one["low"] < 30 < one["high"]


def test_a_study_without_direct_has_scores_and_no_gains(tmp_path: Path) -> None:
    numbers = make(tmp_path, intermediates=["nli@de", "nli@en"])
    frame = gains(numbers.cells, numbers.store)
    assert set(frame["intermediate"]) == {"nli@de", "nli@en"}
    assert frame["gain"].isna().all() and set(frame["verdict"]) == {""}
    scored = gains((whole := make(tmp_path / "whole")).cells, whole.store)
    assert row(frame, "nli@de", "de")["value"] == row(scored, "nli@de", "de")["value"]


def test_a_gain_that_all_items_share_is_sure(tmp_path: Path) -> None:
    def items(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        return {"en": right(20, 60), "sw": right(20 if intermediate == "direct" else 58, 60)}

    numbers = make(tmp_path, items, intermediates=["direct", "nli@en"])
    frame = gains(numbers.cells, numbers.store)
    assert row(frame, "nli@en", "sw")["verdict"] == "up"
    assert row(frame, "nli@en", "en")["verdict"] == "open"
    assert row(frame, "nli@en", "sw")["p"] < 0.01


def test_seeds_are_paired(tmp_path: Path) -> None:
    """A seed that lacks its partner does not count, on either side."""
    numbers = make(tmp_path, only=lambda name, seed: (name, seed) not in {("direct", 0), ("nli@de", 1)})
    frame = gains(numbers.cells, numbers.store)
    assert row(frame, "nli@de", "de")["n_seeds"] == 1
    assert row(frame, "nli@de", "de")["value"] == 60
    assert row(frame, "nli@de", "de")["missing"] == 2
    assert row(frame, "nli@en", "de")["n_seeds"] == 2
    assert row(frame, "any", "de")["n_seeds"] == 1
    one = row(frame, "nli@de", "de")
    assert (one["covers"], one["verdict"], one["reason"]) == (
        "items", "unknown", "not known from one run, all that is left of 3",
    )  # fmt: skip
    assert frame.loc[frame["verdict"] == "unknown", ["p", "p_holm", "p_bh"]].isna().all(axis=None)
    assert len(frame.attrs["excluded"]) == 2


def test_degenerate_cells_are_left_out_and_counted(tmp_path: Path) -> None:
    numbers = make(tmp_path, train_facts=lambda name, seed: {"degenerate": "loss never fell"}
                   if (name, seed) == ("nli@de", 2) else {})  # fmt: skip
    frame = gains(numbers.cells, numbers.store)
    assert row(frame, "nli@de", "de")[["n_seeds", "degenerate"]].tolist() == [2, 1]
    assert row(frame, "nli@en", "de")[["n_seeds", "degenerate"]].tolist() == [3, 0]
    assert "loss never fell" in frame.attrs["excluded"][0]["reason"]


def test_without_points_per_item_seeds_alone_are_taken(tmp_path: Path) -> None:
    def items(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        """German data helps by 30, 30 and 60 points in German, by 20 in Swahili."""
        found = simple(encoder, intermediate, seed)
        return found | ({"de": right(9)} if (intermediate, seed) == ("nli@de", 2) else {})

    numbers = make(tmp_path, items, with_items=False)
    frame = gains(numbers.cells, numbers.store)
    one = row(frame, "nli@de", "de")
    assert (one["covers"], one["n_items"], one["gain"]) == ("seeds", 0, pytest.approx(40))
    same = row(frame, "nli@de", "sw")
    assert (same["gain"], same["verdict"]) == (pytest.approx(20), "unknown") and np.isnan(same["low"])
    assert same["reason"] == "not known, since every run gave the same difference"
    assert ranking(Grid(numbers.cells, numbers.store))["best"].isna().all()


@pytest.mark.parametrize("revisions", [("0123456789ab", "ba9876543210"), ("012345678901", "109876543210")])
def test_revisions_of_a_hub_id_are_not_pooled(tmp_path: Path, revisions: tuple[str, str]) -> None:
    """Commits of one id are checkpoints of one training or other models: no random sample."""
    numbers = make(tmp_path, encoders=[f"team/enc@{one}" for one in revisions])
    frame = gains(numbers.cells, numbers.store)
    assert set(frame["encoder"]) == {f"team/enc@{one}" for one in revisions}
    assert set(headline(frame)["encoder"]) == set(frame["encoder"])


def test_encoder_seeds_are_pooled_as_the_top_level(tmp_path: Path) -> None:
    def items(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        extra = {"tiny@0": 0, "tiny@1": 1, "tiny@2": 2}[encoder] if intermediate != "direct" else 0
        return {
            code: right(int(sum(values) / 100) + extra) for code, values in simple(encoder, intermediate, seed).items()
        }

    numbers = make(tmp_path, items, encoders=["tiny@0", "tiny@1", "tiny@2"])
    frame = gains(numbers.cells, numbers.store)
    pooled = row(frame, "nli@en", "sw", "tiny@*")
    assert pooled["gain"] == pytest.approx((10 + 20 + 30) / 3)
    assert pooled[["n_seeds", "n_encoders", "covers"]].tolist() == [9, 3, "encoders and items"]
    assert row(frame, "nli@en", "sw", "tiny@2")["gain"] == pytest.approx(30)


def test_contrasts(tmp_path: Path) -> None:
    numbers = make(tmp_path)
    frame = contrasts(numbers.cells, numbers.store)
    pairs = list(zip(frame["first"], frame["second"], strict=True))
    assert set(pairs) == {("direct", "nli@en"), ("direct", "nli@de"), ("nli@en", "nli@de")}
    found = frame[[pair == ("nli@en", "nli@de") for pair in pairs]].set_index("language")
    assert found["difference"].to_dict() == pytest.approx(
        {"en": 10, "de": -20, "sw": -10, "mean-but-en": -15, "mean-others": -10}
    )
    assert found.loc["de", "value"] - found.loc["de", "second_value"] == pytest.approx(-20)


def test_cells_may_come_from_the_database(tmp_path: Path) -> None:
    numbers = make(tmp_path)
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_study(db, numbers.plan)
        points = study_points(db, "numbers")
    key = ["encoder", "intermediate", "language"]
    one, two = (gains(cells, numbers.store, resamples=200).sort_values(key) for cells in (points, numbers.cells))
    pd.testing.assert_frame_equal(one.reset_index(drop=True), two.reset_index(drop=True))


def test_imported_cells_have_gains_without_their_artifacts(tmp_path: Path) -> None:
    """As recorded, over seeds alone; a cell that learnt nothing stays left out. Artifacts here count with items."""

    def lost(name: str, seed: int) -> dict[str, str]:
        return {"degenerate": "loss never fell"} if (name, seed) == ("nli@en", 0) else {}

    def items(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
        rng = np.random.default_rng([seed, 5, *intermediate.encode()])
        return {code: list(100.0 * (rng.random(300) < 0.5)) for code in LANGUAGES}

    numbers = make(tmp_path, items, train_facts=lost)
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_all(db, numbers)
        points = study_points(db, "numbers")
    here, away = gains(points, numbers.store), gains(points, ArtifactStore(tmp_path / "other"))
    same = ["intermediate", "language", "gain", "n_seeds", "degenerate", "missing"]
    one, other = (frame.sort_values(same)[same].reset_index(drop=True) for frame in (here, away))
    pd.testing.assert_frame_equal(one, other)
    assert set(here.loc[here["gain"].notna(), "covers"]) == {"seeds and items"}
    assert set(away.loc[away["gain"].notna(), "covers"]) == {"seeds"} and (away["n_items"] == 0).all()
    assert [one["reason"] for one in away.attrs["excluded"]] == [one["reason"] for one in here.attrs["excluded"]]
    assert "loss never fell" in away.attrs["excluded"][0]["reason"]


def test_different_items_cannot_be_compared(tmp_path: Path) -> None:
    numbers = make(tmp_path, lambda encoder, name, seed: {"en": right(3, 10 if name == "direct" else 8)})
    with pytest.raises(DataError, match="scored on different items"):
        gains(numbers.cells, numbers.store)


def test_damaged_predictions_are_named(tmp_path: Path) -> None:
    numbers = make(tmp_path)
    found = numbers.store.find(numbers.cells[0].score.key)
    assert found is not None
    file = found.folder / "predictions.parquet"
    file.write_bytes(b"x" * file.stat().st_size)
    with pytest.raises(StoreError, match=r"predictions\.parquet: cannot be read"):
        gains(numbers.cells, numbers.store)


def test_a_study_without_any_score_gives_an_empty_frame(tmp_path: Path) -> None:
    numbers = make(tmp_path, only=lambda name, seed: False)
    frame = gains(numbers.cells, numbers.store)
    assert frame.empty
    assert len(frame.attrs["excluded"]) == 9
