"""What is said of the numbers: answers, what would settle them, which is best, what goes with larger gains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.report.read import read
from tests.results.numbers import Items, make, record_all, right, simple
from xtransfer.analysis.verdict import Verdict
from xtransfer.report.answer import settling
from xtransfer.report.findings import Findings, find
from xtransfer.report.latex import model_table
from xtransfer.report.model import models
from xtransfer.report.page import _template, write_findings
from xtransfer.results.database import open_database
from xtransfer.store.artifacts import ArtifactStore

NEED = {"n_runs": 3, "runs": "seeds", "detectable": 4.25, "advice": "2 more seeds"}


def found(folder: Path, items: Items, **options: Any) -> Findings:
    numbers = make(folder, items, **options)
    with open_database(f"sqlite:///{folder / 'results.db'}") as db:
        record_all(db, numbers)
        return find("numbers", db, numbers.store)


def unclear(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
    """60 items: German data helps by 60 points in every seed, English data a little, and not in every seed."""
    sw = {"direct": 20, "nli@en": 21 + 3 * (seed % 2) - seed, "nli@de": 56}[intermediate]
    return {"en": right(30, 60), "sw": right(sw, 60)}


def test_what_is_open_says_what_would_settle_it(tmp_path: Path) -> None:
    (answer,) = found(tmp_path, unclear).answers
    by_verdict = {one.text.split(" first")[0]: one for one in answer.first_training}
    open_one, sure = by_verdict["Training on nli@en"], by_verdict["Training on nli@de"]
    assert (open_one.verdict.state, sure.verdict.state) == ("open", "up")
    assert open_one.note.startswith("With 3 seeds, a true difference of ") and sure.note == ""


def test_a_single_measurement_concludes_nothing(tmp_path: Path) -> None:
    (answer,) = found(tmp_path, unclear, seeds=[0], with_items=False).answers
    assert {one.verdict.state for one in answer.first_training} == {"unknown"}
    assert answer.first_training[0].text == (
        "Whether training first, on average over the intermediates, helps is not known from one run: it gave "
        "+30.8 points over direct."
    )
    assert answer.first_training[0].note == "To tell: add seeds: the spread of a single run is unknown."
    assert (
        answer.best
        == "Which of them is the best on mean-but-en, the mean of all languages but English, is not known from one run."
    )


def test_a_finding_has_the_average_each_intermediate_and_what_would_settle_it(tmp_path: Path) -> None:
    (answer,) = found(tmp_path, unclear).answers
    lead = answer.first_training[0]
    assert answer.finding == (
        f"On mean-others, training first{lead.text.removeprefix('Training first')} One by one: nli@en: made no "
        "difference that this study can detect; nli@de: helped."
    )
    (alone,) = found(tmp_path / "alone", unclear, intermediates=["direct", "nli@en"]).answers
    assert alone.finding.startswith("On mean-others, training on nli@en first made no difference")
    assert alone.finding.endswith(f"{alone.first_training[0].note}") and "To find one of the observed" in alone.finding


def test_a_finding_without_direct_is_which_is_probably_the_best(tmp_path: Path) -> None:
    (answer,) = found(tmp_path, unclear, intermediates=["nli@en", "nli@de"]).answers
    assert answer.finding == answer.best and answer.best.startswith("Probability of being the best on mean-but-en")


def test_without_direct_the_intermediates_are_compared_with_each_other(tmp_path: Path) -> None:
    facts = found(tmp_path, unclear, intermediates=["nli@en", "nli@de"])
    (answer,) = facts.answers
    assert answer.first_training == []
    assert [one.text.split(" by ")[0] for one in answer.against_english] == ["nli@de is better than nli@en"]
    page = read(write_findings(facts, ArtifactStore(tmp_path / "artifacts"), tmp_path / "report"))
    assert "cannot be compared" not in page and "No intermediate can be compared with <em>direct</em>" in page
    assert "Score; nothing is compared: no run of direct has scores; mean-but-en: the mean of" in page


def test_an_intermediates_own_language_is_no_part_of_the_answer(tmp_path: Path) -> None:
    """German data: +30 points in German, which it was trained in, and +20 in Swahili."""
    (answer,) = found(tmp_path, simple).answers
    said = " ".join(one.text for one in answer.first_training)
    assert "nli@de first" in said and "+20.0 points over direct" in said and "+25.0" not in said


def test_a_mean_of_languages_that_were_all_trained_in_says_so(tmp_path: Path) -> None:
    both = lambda encoder, name, seed: simple(encoder, "nli@de" if name != "direct" else name, seed)  # noqa: E731
    (answer,) = found(tmp_path, both, intermediates=["direct", "nli@de+nli@sw"]).answers
    assert "as no other language is left" in answer.first_training[0].text


@pytest.mark.parametrize(
    ("state", "detectable", "said"),
    [
        ("up", 4.25, ""),
        ("open", 4.25, "With 3 seeds, a true difference of 4.2 points is found with 80% probability. "
                       "To find one of the observed size: 2 more seeds."),
        ("unknown", float("nan"), "To tell: 2 more seeds."),
        ("open", float("nan"), "What it would take is not known: 2 more seeds."),
    ],
)  # fmt: skip
def test_settling(state: Any, detectable: float, said: str) -> None:
    verdict = Verdict(state, "seeds and items", "seeds", 3, 3)
    assert settling(verdict, NEED | {"detectable": detectable}) == said
    assert settling(verdict, None) == ""


def test_the_best_is_named_with_its_probability(tmp_path: Path) -> None:
    (answer,) = found(tmp_path, unclear).answers
    assert answer.best.startswith(
        "Probability of being the best on mean-but-en, the mean of all languages but English, in the 3 runs that they "
        "all have: nli@de 100%; each of the"
    )


def test_gains_are_counted_before_and_after_adjustment(tmp_path: Path) -> None:
    findings = found(tmp_path, unclear)
    certain = findings.certain(findings.headline[0])
    rows = findings.gains[findings.gains["language"].isin(["en", "sw"]) & findings.gains["p"].notna()]
    assert certain.of == len(rows) == 6
    assert certain.holm <= certain.benjamini_hochberg <= certain.unadjusted == int((rows["p"] < 0.05).sum()) > 0


def effects(**changes: Any) -> pd.DataFrame:
    """A term that is clear, one that is open and one that could not be estimated."""
    rows = [
        {"target": "x<y>", "term": "distance", "estimate": -2.0, "low": -3.0, "high": -1.0, "p": 0.0001,
         "verdict": "down", "note": ""},
        {"target": "x<y>", "term": "same_script", "estimate": 1.0, "low": -1.0, "high": 3.0, "p": 0.3,
         "verdict": "open", "note": ""},
        {"target": "x<y>", "term": "translated", "estimate": np.nan, "low": np.nan, "high": np.nan, "p": np.nan,
         "verdict": "", "note": "the same everywhere: 0"},
    ]  # fmt: skip
    return pd.DataFrame([row | {"n": 30} | changes for row in rows])


def test_a_model_is_explained_term_by_term() -> None:
    (model,) = models(effects())
    assert model.is_fitted and len(model.sentences) == 2
    assert model.sentences[0].endswith("family tree goes with -2.0 points of gain (95% interval -3.0 to -1.0).")
    assert "goes with no difference that this study can detect: +1.0 points" in model.sentences[1]


def test_a_model_that_could_not_be_fitted_says_nothing() -> None:
    (model,) = models(effects(estimate=np.nan))
    assert not model.is_fitted and model.sentences == []
    assert models(effects(n=0)) == []


def test_a_model_in_latex() -> None:
    text = model_table(models(effects())[0])
    assert r"distance & $-$2.0 & [$-$3.0, $-$1.0] & $<$0.001 \\" in text
    assert r"translated & -- & -- & -- \\" in text
    assert r"x\textless{}y\textgreater{}" in text and text.count("{") == text.count("}")


def test_a_term_without_an_interval_says_why(tmp_path: Path) -> None:
    """Languages of one family are alike: with two intermediates a term of families has an estimate alone."""

    def items(encoder: str, name: str, seed: int) -> dict[str, list[float]]:
        rng = np.random.default_rng([seed, *name.encode()])
        return {
            code: list(100.0 * (rng.random(20) < 0.5))
            for code in ["en", "de", "fr", "es", "ru", "hi", "zh", "ar", "tr", "sw", "th"]
        }

    findings = found(tmp_path, items)
    (model,) = findings.models
    why = "languages of one family are alike: 6 more intermediates would be needed to judge it"
    assert any(sentence.endswith(f"points of gain, without an interval ({why}).") for sentence in model.sentences)
    text = model_table(model)
    assert f"No interval for distance ({why})." in text and "[, ]" not in text
    page = _template().environment.get_template("model.html.j2").render(found=findings)
    assert why in page and "nan" not in page and "<td> to </td>" not in page
