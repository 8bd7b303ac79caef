"""Our scores beside published ones: a number where one may stand, else the reason; and the protocol's differences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from tests.scoring.finished import Outcome, finish
from xtransfer.analysis.results import Results, open_results
from xtransfer.base.errors import RequestError
from xtransfer.metrics.aggregate import XTREME, XTREME_R

LARGE = f"xlm-roberta-large@{'c' * 40}"
XCOPA = next(one for one in XTREME_R.members if one.benchmark == "xcopa").languages


def all_of(languages: tuple[str, ...], **metrics: float) -> Outcome:
    return Outcome(points={code: dict(metrics) for code in languages})


@pytest.fixture
def results() -> Iterator[Results]:
    """XCOPA in several ways, XNLI without Urdu, Tatoeba; seeds 0 and 1 differ by 2 points."""
    members = {one.benchmark: one for one in (*XTREME.members, *XTREME_R.members)}
    finish(
        {
            (intermediate, seed): {
                "xcopa": all_of(XCOPA, accuracy=60 + gain + 2 * seed),
                "xcopa:dev": all_of(XCOPA, accuracy=99),
                "xcopa:first50": all_of(XCOPA, accuracy=99),
                "xnli": all_of(members["xnli"].languages[:-2], accuracy=70),
                "tatoeba-r": all_of(members["tatoeba"].languages, accuracy=50),
                "xquad": all_of(members["xquad"].languages, f1=70),
            }
            for intermediate, gain in (("direct", 0), ("siqa@en", 5))
            for seed in (0, 1)
        },
        encoder=LARGE,
    )
    with open_results() as opened:
        yield opened


def only(frame: pd.DataFrame, **values: Any) -> dict[str, Any]:
    for name, value in values.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1, frame
    return dict(frame.iloc[0])


def test_a_mean_beside_a_mean(results: Results) -> None:
    frame = results.compare("xcopa", model="XLM-R Large")
    row = only(frame, target="xcopa", intermediate="direct")
    assert (row["theirs"], row["ours"], row["n_seeds"]) == (68.69, 61, 2)
    assert row["difference"] == pytest.approx(61 - 68.69) and row["why"] == ""
    assert not any(text.startswith(("encoder:", "setting:")) for text in row["protocol"])
    assert "recipe: theirs is not known" in row["protocol"]
    after = only(frame, target="xcopa", intermediate="siqa@en")
    assert after["ours"] == 66 and "setting: theirs zero-shot, ours zero-shot after siqa@en" in after["protocol"]


def test_other_rows_are_not_compared(results: Results) -> None:
    frame = results.compare("xcopa", model="XLM-R Large", intermediate="direct")
    assert only(frame, target="xcopa:dev")["why"] == "theirs is on test rows, ours on development rows"
    assert only(frame, target="xcopa:first50")["why"] == "ours is over the first 50 rows of each language"
    assert frame[frame["target"] != "xcopa"]["ours"].isna().all()


def test_languages_and_assumed_values(results: Results) -> None:
    frame = results.compare("xcopa", model="XLM-R Large", language=["qu", "sw"], intermediate="direct", seed=1)
    frame = frame[frame["target"] == "xcopa"]
    assert only(frame, language="sw")["difference"] == pytest.approx(62 - 59.2)
    assert only(frame, language="qu")["why"] == "theirs is an assumed chance value"
    assert pd.isna(only(frame, language="qu")["ours"])
    every = results.compare("xcopa", model="XLM-R Large", each_language=True, intermediate="direct")
    assert len(every[every["target"] == "xcopa"]) == 12


def test_what_is_missing_is_named(results: Results) -> None:
    frame = results.compare("xtreme_r", model="XLM-R-base", intermediate="direct")
    assert only(frame, benchmark="xnli")["why"] == "ours lacks vi zh"
    assert only(frame, benchmark="xquad", metric="exact_match")["why"] == "ours has no exact_match (known: f1)"
    assert only(frame, benchmark="mlqa", metric="mlqa_f1")["why"] == "not scored here"
    assert only(frame, benchmark="lareqa-mgte")["why"] == "xtransfer has no such benchmark"
    collapsed = only(frame, benchmark="xcopa", target="xcopa")
    assert "their training collapsed" in collapsed["why"] and pd.isna(collapsed["difference"])


def test_protocols_are_named(results: Results) -> None:
    frame = results.compare("xtreme_r", model="XLM-R-base", intermediate="direct")
    told = only(frame, benchmark="tatoeba-r")["protocol"]
    assert "encoder: theirs XLM-R-base, ours xlm-roberta-large" in told
    assert "trained on: theirs squad, ours nothing" in told
    assert "retrieval: ours compares the last layer, mean over tokens" in told
    assert "languages: theirs 38, ours 41" in told
    assert any("starts from training on SQuAD, which is an intermediate task" in text for text in told)
    assert any("two recipe eras" in text for text in told)
    questions = only(frame, benchmark="xquad", metric="f1")["protocol"]
    told = "learning rate {}, length {}, weight decay {}"
    theirs, held = told.format("3e-05", 384, "0.0001"), told.format("2e-05", 128, 0)
    assert f"recipe: theirs {theirs}, ours {held}" in questions


def test_totals_and_gains(results: Results) -> None:
    frame = results.compare("phang_2020", benchmark="xtreme", intermediate="siqa@en")
    for row in frame.to_dict("records"):
        assert pd.isna(row["ours"])
    direct = results.compare("xtreme", benchmark="xtreme", model="XLM-R Large", intermediate="direct")
    assert only(direct, metric="score")["why"].startswith("ours lacks xnli: vi zh; paws-x")


def test_a_whole_group_is_compared() -> None:
    members = {one.benchmark: one for one in XTREME.members}
    finish(
        {
            (intermediate, 0): {
                name: all_of(members[name].languages, accuracy=80 + gain) for name in ("xnli", "paws-x")
            }
            for intermediate, gain in (("direct", 0), ("mnli@en", 3))
        },
        encoder=LARGE,
    )
    with open_results() as opened:
        frame = opened.compare("rembert", benchmark="xtreme:classification")
        row = only(frame, model="X-STILTs", intermediate="mnli@en")
        assert row["ours"] == 83 and row["difference"] == pytest.approx(83 - 83.9)
        assert "setting: theirs best intermediate per target, ours zero-shot after mnli@en" in row["protocol"]
        assert only(frame, model="XLM-R Large", intermediate="direct")["difference"] == pytest.approx(80 - 82.8)


def test_a_total_of_a_suite_that_was_not_run_says_so() -> None:
    finish({("direct", 0): {"lab-nli": Outcome(points={"de": {"accuracy": 40.0}})}}, encoder=LARGE)
    with open_results() as opened:
        frame = opened.compare("phang_2020", benchmark="xtreme")
    assert len(frame) and set(frame["why"]) == {"no benchmark of the suite was scored here in one way"}


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"paper": "xtremer"}, "no paper 'xtremer'; did you mean 'xtreme_r'"),
        ({"paper": "xtreme_r", "model": "XLMR-base"}, "no model of xtreme_r 'XLMR-base'; did you mean 'XLM-R-base'"),
        ({"paper": "xtreme_r", "benchmark": "xnly"}, "no benchmark of xtreme_r 'xnly'; did you mean 'xnli'"),
        ({"paper": "xtreme_r", "language": "xx"}, "no language 'xx'"),
        ({"paper": "xtreme_r", "study": "mien"}, "no study 'mien'; did you mean 'mine'"),
        ({"paper": "xtreme_r", "encoder": "xlm"}, "no encoder 'xlm'"),
    ],
)
def test_unknown_names(filters: dict[str, str], said: str, results: Results) -> None:
    with pytest.raises(RequestError, match=said):
        results.compare(**filters)
