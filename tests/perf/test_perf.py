from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perf.curves import Ends
from perf.inputs import QUICK, evaluation_rows, make_encoder
from perf.measure import Bound, Measure, in_turns, machine, paired
from perf.trainer import BEST, GROUPED
from perf.training import others_of, precisions_of
from tests.data.mirror import write
from tests.perf.quick import quick
from tests.translation.tiny import make_marian


def test_encode_measures_both_ways_and_writes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)
    found, printed = quick("encode", tmp_path)
    measures = found["measures"]
    assert [one["name"] for one in measures] == ["first time", "from the cache"]
    assert all(set(one) == {"name", "ours", "other", "ratio", "goal", "holds"} for one in measures)
    assert all(one["ours"] > 0 and one["other"] > 0 and one["goal"] is one["holds"] is None for one in measures)
    assert "from the cache" in printed
    assert machine().partition(",")[0][:20] in printed


def test_a_goal_is_judged_by_the_median_and_the_ratio_by_pairs() -> None:
    measure = Measure("x", [1.0, 2.0, 9.0], [4.0, 4.0, 9.0], under=3.0)
    record = {"name": "x", "ours": 2.0, "other": 4.0, "ratio": 2.0, "goal": "under 3 s", "holds": True}
    assert measure.record() == record
    assert Measure("x", [3.0], [4.0], under=3.0).holds is False


def test_ways_take_turns() -> None:
    order: list[str] = []

    def way(name: str) -> Callable[[], float]:
        return lambda: order.append(name) or float(len(order))

    found = paired({"a": (way("a1"), way("a2")), "b": (way("b1"), way("b2"))}, pairs=2)
    assert order == ["a1", "a2", "b1", "b2", "a2", "a1", "b2", "b1"]
    assert found["a"] == ([1.0, 6.0], [2.0, 5.0])


def test_retrieval_measures_both_ways(tmp_path: Path) -> None:
    (one,) = quick("retrieval", tmp_path)[0]["measures"]
    assert one["name"] == "36 languages" and one["ours"] >= 0 and one["goal"] is None


def test_results_measures_every_database_and_question(tmp_path: Path) -> None:
    found, printed = quick("results", tmp_path)
    measures = {one["name"]: one for one in found["measures"]}
    asked = ("insert a million scores", "leaderboard of a study", "leaderboard of all", "gains of a study")
    kinds = ["SQLite"] if "PostgreSQL is not measured" in printed else ["SQLite", "PostgreSQL"]
    assert list(measures) == [f"{kind}: {name}" for kind in kinds for name in asked]
    assert all(one["ours"] > 0 and one["other"] > 0 and one["goal"] is None for one in measures.values())


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        (
            "training",
            [f"{own} / {other}" for own in precisions_of("cpu") for other in others_of("cpu")],
        ),
        ("evaluation", ["fp32", "bf16", "largest difference of a logit, fp32"]),
        ("large", []),
    ],
)
def test_training_and_evaluation_measure_every_way(
    name: str, rows: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)
    monkeypatch.setenv("XTRANSFER_HOME", str(tmp_path))
    measures = {one["name"]: one for one in quick(name, tmp_path)[0]["measures"]}
    assert {f"2 x 64: {row}" for row in rows} <= measures.keys()
    if name == "large":
        assert list(measures) == [f"2 x 64, batch {batch}{what}" for batch in (8, 16) for what in ("", ": MFU")]
        return
    assert all(one["goal"] is one["holds"] is None and one["ours"] >= 0 for one in measures.values())
    if name == "training":
        assert 0 < measures["2 x 64: share of the loop that makes batches"]["ours"] < 1
    else:
        assert measures["2 x 64: largest difference of a logit, fp32"]["ours"] < 1e-6


def test_curves_compare_what_is_learned_with_the_trainers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)
    monkeypatch.setenv("XTRANSFER_HOME", str(tmp_path))
    page = tmp_path / "page.md"
    page.write_text("A\n<!-- curves -->\nold\n<!-- /curves -->\nend\n", encoding="utf-8")
    found, _ = quick("curves", tmp_path, "--markdown", str(page))
    measures = {one["name"]: one for one in found["measures"]}
    assert measures["largest difference of packed and padded losses, 6 steps"]["ours"] < 1e-5
    for precision in ("fp32", "bf16"):
        loss = measures[f"loss after 10 steps: {precision}, the Trainer's fp32"]
        assert loss["ours"] == pytest.approx(loss["other"], abs=0.05)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("A\n<!-- curves -->\n|  | ours |") and text.endswith("\n<!-- /curves -->\nend\n")
    assert "old" not in text and machine().partition(",")[0] in text


def test_ends_are_judged_by_their_standard_error() -> None:
    near, far = Ends("x", [1.0, 1.2, 1.4], [1.1, 1.3, 1.5], 2.78), Ends("x", [1.0, 1.2, 1.4], [2.0, 2.2, 2.4], 2.78)
    assert near.apart == pytest.approx(0.1 / (0.08 / 3) ** 0.5)
    assert near.holds and far.holds is False and Ends("x", [1.0, 1.2], [1.0, 1.3], None).holds is None
    assert near.record()["goal"] == "at most 2.78 standard errors apart"


def test_the_first_round_of_turns_does_not_count() -> None:
    times = iter(range(6))
    assert in_turns({"a": lambda: next(times), "b": lambda: next(times)}, 2) == {"a": [3, 4], "b": [2, 5]}


def test_goals_of_ratios_and_of_bounds() -> None:
    assert Measure("x", [1.0, 1.0], [2.9, 3.1], least=3.0).holds
    assert Measure("x", [1.0], [2.9], least=3.0).record()["goal"] == "at least 3 times"
    assert Measure("x", [1.0], [2.9], least=3.0).holds is False
    record = {"name": "y", "ours": 2e-5, "other": None, "ratio": None, "goal": "at most 1e-05", "holds": False}
    assert Bound("y", 2e-5, 1e-5).record() == record
    assert Bound("y", 1e-6, 1e-5).holds and Bound("y", 1.0, None).holds is None


def test_translation_measures_every_way_and_a_given_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)
    model = make_marian(tmp_path / "model")
    for more, rows in (((), 7), (("--model", str(model)), 9)):
        measures = {one["name"]: one for one in quick("translation", tmp_path, *more)[0]["measures"]}
        assert len(measures) == rows and all(one["goal"] is one["holds"] is None for one in measures.values())
        assert measures["all of it, int8 / generate as people write it"]["other"] > 0
        assert 0 < measures["share of sentences that are distinct"]["ours"] < 1
    assert abs(measures["chrF against transformers in float32 that int8 loses to float32"]["ours"]) < 20
    texts = {"en": ["A cat runs.", "A dog sleeps."], "de": ["Eine Katze rennt.", "Ein Hund schläft."]}
    write(tmp_path / "hub", "local/multi30k-en-de-fr-cs/default/test", texts)
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path / "hub"))
    names = [one["name"] for one in quick("translation", tmp_path, "--model", str(model))[0]["measures"]]
    assert "chrF against Multi30k's test references that int8 loses to float32" in names


def test_the_table_of_families(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)
    monkeypatch.setenv("XTRANSFER_HOME", str(tmp_path))
    page = tmp_path / "page.md"
    page.write_text("<!-- encoders -->\n<!-- /encoders -->\n", encoding="utf-8")
    measures = quick("encoders", tmp_path, "--markdown", str(page))[0]["measures"]
    assert [one["name"] for one in measures] == ["XLM-R", "ModernBERT, mmBERT"]
    assert all(one["holds"] and one["ours"] > 0 and one["ratio"] > 0 for one in measures)
    text = page.read_text(encoding="utf-8")
    assert "| XLM-R | yes | yes | packed, with layers of our own | " in text
    assert "| ModernBERT, mmBERT | yes | yes | packed, through transformers' attention interface | " in text


def test_the_trainer_is_measured_at_its_best_on_this_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perf.training.faster_in_bf16", lambda: False)
    assert precisions_of("cpu") == ("fp32",)
    assert others_of("cpu")["grouped by length, fp32"][0] == GROUPED
    assert others_of("cuda")["grouped by length, bf16"][0] == BEST
    monkeypatch.setattr("perf.training.faster_in_bf16", lambda: True)
    assert precisions_of("cpu") == ("fp32", "bf16")
    assert list(others_of("cpu")) == ["dynamic padding", "grouped by length, bf16"]


def test_training_measures_an_encoder_and_the_share_of_the_peak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)
    monkeypatch.setenv("XTRANSFER_HOME", str(tmp_path))
    folder = make_encoder(QUICK, evaluation_rows(50), tmp_path / "mine")
    measures = {one["name"]: one for one in quick("training", tmp_path, "--encoder", str(folder))[0]["measures"]}
    for precision in precisions_of("cpu"):
        assert {f"mine: {precision} / {other}" for other in others_of("cpu")} <= measures.keys()
        assert measures[f"mine: peak of products in {precision}, 10^12 operations per second"]["ours"] > 0
        assert 0 < measures[f"mine: {precision}, share of the peak"]["ours"] < 1
