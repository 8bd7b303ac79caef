"""The summary on top of the page says what the verdicts say, and shows every run."""

from __future__ import annotations

import base64
import csv
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perf.finished import finish
from tasks import artifacts
from tests.report.read import read
from tests.report.test_verdict import CASES, Case, helped
from tests.results.numbers import Numbers, make, record_all, right
from tests.results.plans import planned
from xtransfer.analysis.verdict import State, Verdict
from xtransfer.report.answer import Answer, Sentence, overall
from xtransfer.report.downloads import csv_link, with_csv_links
from xtransfer.report.findings import Findings, find
from xtransfer.report.page import write_findings
from xtransfer.report.summary import Axis, Estimate, Line
from xtransfer.report.tables import Number
from xtransfer.results.database import open_database
from xtransfer.store.artifacts import ArtifactStore


def found(folder: Path, **made: Any) -> tuple[Findings, str]:
    numbers = make(folder, made.pop("items", helped), **made)
    with open_database(f"sqlite:///{folder / 'results.db'}") as db:
        record_all(db, numbers)
        findings = find("numbers", db, numbers.store)
    return findings, read(write_findings(findings, numbers.store, folder / "out"))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_summary_has_the_verdicts_of_the_sentences(case: Case, tmp_path: Path) -> None:
    findings, page = found(tmp_path, **case.made)
    lines = findings.summary
    said = {one.about: one.verdict for answer in findings.answers for one in answer.first_training}
    assert {one.intermediate: one.number.verdict for line in lines for one in line.estimates} == said
    head = page[: page.index("<nav")]
    if case.state == "none":
        assert findings.overall is None and "No intermediate can be compared with direct" in head
        return
    (line,) = lines
    assert findings.overall is not None
    assert findings.overall.text == findings.answers[0].first_training[0].text
    assert findings.overall.state == said["any"].state
    german = next(one for one in line.singles if one.intermediate == "nli@de")
    assert german.effect.startswith({"up": "helped", "open": "no difference", "unknown": "not known"}[case.state])
    assert line.largest is german and line.chance[0] == 33.3 and line.items == (60,)
    assert ('class="gain sure up"' in head) == (" filled" in head) == (case.state == "up")
    assert ("interval unknown" in head) == (case.state == "unknown")
    assert ("that is simultaneous for the intermediates" in head) == bool(german.number.verdict.together)
    cells = re.findall(r'<td class="names">([^<]*)', head)
    assert cells[0] == line.estimates[0].effect


def test_the_gain_of_every_run_is_shown(tmp_path: Path) -> None:
    findings, page = found(tmp_path, seeds=[0, 2, 3])
    german = next(one for one in findings.summary[0].singles if one.intermediate == "nli@de")
    assert german.runs == pytest.approx((60.0, 100 * 38 / 60, 100 * 37 / 60), abs=0.01)
    assert german.number.gain == pytest.approx(np.mean(german.runs))
    assert page.count('class="run"') == 3 * 3  # any, en, de
    assert all(f"{run:+.1f}" in german.tip for run in german.runs) and "95% interval" in german.tip
    assert "3 runs" in german.tip


def test_the_files_of_the_summary_and_of_every_table_are_in_the_page(tmp_path: Path) -> None:
    findings, page = found(tmp_path)
    written = (tmp_path / "out" / "summary.csv").read_text(encoding="utf-8")
    links = dict(re.findall(r'download="([^"]*)" href="data:text/csv;charset=utf-8;base64,([^"]*)"', page))
    assert base64.b64decode(links["summary.csv"]).decode() == written
    rows = list(csv.DictReader(io.StringIO(written)))
    assert [row["intermediate"] for row in rows] == ["any", "nli@en", "nli@de"]
    assert {(row["items_low"], row["chance_low"], row["verdict"]) for row in rows} >= {("60", "33.3000", "open")}
    assert len(re.findall("<table", page)) == len(re.findall('class="csv"', page))
    gains = list(csv.DictReader(io.StringIO(base64.b64decode(links["gains-xnli-on-tiny-0.csv"]).decode())))
    assert len(gains) == sum(len(grid.numbers) for grid in findings.headline)
    cost = base64.b64decode(links["cost.csv"]).decode()
    assert cost.startswith("kind of stage,stages,mean,total") and "\nall," in cost


def test_what_the_marks_mean_stands_beside_them(tmp_path: Path) -> None:
    _, page = found(tmp_path)
    assert page.count("any: the average over the intermediates") >= 3  # table, forest, gains of the target
    assert page.count("mean-others: the mean of all languages but English and those that the intermediate was") >= 2
    assert 'n = 60 test items"' in page


def answer(target: str, *states: State, encoder: str = "tiny@0") -> Answer:
    names = ["any", *(f"nli@{number}" for number in range(1, len(states)))] if len(states) > 1 else ["nli@de"]
    verdicts = [Verdict(state, "seeds and items" if state != "unknown" else "items", "seeds",
                        1 if state == "unknown" else 3, 3) for state in states]  # fmt: skip
    sentences = [Sentence("it did.", one, "", name) for one, name in zip(verdicts, names, strict=True)]
    return Answer(target, encoder, f"{target} on {encoder}", "", sentences, [], "")


def test_several_targets_are_named_by_verdict() -> None:
    several = [answer("a", "up", "up", "open"), answer("b", "down", "down", "down"), answer("c", "open", "open", "up"),
               answer("d", "unknown", "unknown", "unknown"), answer("e", "up", "open", "open")]  # fmt: skip
    whole = overall(several)
    assert whole is not None and whole.state == "mixed"
    assert whole.text == (
        "Training first, on average over the intermediates, helped on 2 of 5 targets (a and e), hurt on 1 of 5 "
        "targets (b) and made no difference that this study can detect on 1 of 5 targets (c). Whether training "
        "first, on average over the intermediates, helps on 1 of 5 targets (d) is not known from one run, all that is "
        "left of 3."
    )
    assert whole.note == (
        "Of 10 comparisons of one intermediate with direct, 2 show a gain, 2 show a loss, 4 show no difference that "
        "this study can detect and 2 cannot be judged. Each target is judged by itself: intervals are not widened for "
        "the number of targets."
    )


def test_a_study_of_two_targets_has_a_row_for_each_and_one_sentence(tmp_path: Path) -> None:
    plan = planned("two", ["lab-inference", "lab-copa"], ["direct", "lab-nli@en", "lab-nli@de"], seeds=[0, 1, 2])
    store = ArtifactStore(tmp_path / "artifacts")
    finish(plan, store)
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_all(db, Numbers(plan, store))
        findings = find("two", db, store)
    page = read(write_findings(findings, store, tmp_path / "out"))
    assert [(line.target, line.chance, line.items) for line in findings.summary] == [
        ("lab-inference", pytest.approx((100 / 3,)), (20,)),
        ("lab-copa", (50.0,), (20,)),
    ]
    assert page.count('<tr data-target="lab-copa"><th scope="row"><a href="#target-2">lab-copa</a></th>') == 1
    whole = findings.overall
    assert whole is not None and " of 2 targets" in whole.text.replace("all 2", "2 of 2")
    assert "Of 4 comparisons of one intermediate with direct" in whole.note
    for text in (whole.text, whole.note):
        assert text in page and text in artifacts.answer(findings, Path("report.html")).replace("\\", "")


@pytest.mark.parametrize("state", ["up", "down", "open", "unknown"])
def test_targets_that_agree_have_their_verdict(state: State) -> None:
    whole = overall([answer("a", state), answer("b", state)])
    assert whole is not None and whole.state == state
    assert "on all 2 targets" in whole.text
    assert ("helped" in whole.text) == (state == "up") and ("hurt" in whole.text) == (state == "down")
    assert ("not known" in whole.text) == (state == "unknown") and "nli@de first" in whole.text


def test_targets_on_several_encoders_are_named_with_them() -> None:
    whole = overall([answer("a", "up"), answer("a", "down", encoder="other@1")])
    assert whole is not None and "(a on tiny@0)" in whole.text and "(a on other@1)" in whole.text
    assert overall([]) is None


def test_the_axis_holds_all_that_is_drawn() -> None:
    verdict = Verdict("open", "seeds and items", "seeds", 3, 3)
    one = Estimate("nli@de", "mean-others", Number(50.0, 2.0, -3.0, 7.0, verdict), (-8.0, 2.0, 12.0))
    axis = Axis.of([Line("a", "x@0", "a on x@0", [one], 48.0, (60,), (33.3,))])
    places = [float(axis.at(points).rstrip("%")) for points in (-8.0, -3.0, 0.0, 7.0, 12.0)]
    assert places == sorted(places) and places[0] > 0 and places[-1] < 100
    assert not axis.leaves(one.number.low) and not axis.leaves(one.number.high)
    assert 0.0 in axis.ticks and all(axis.low <= tick <= axis.high for tick in axis.ticks)


def test_an_interval_of_hundreds_of_points_does_not_shrink_the_others() -> None:
    verdict = Verdict("open", "encoders", "encoders", 2, 2)
    wide = Estimate("nli@de", "mean-others", Number(50.0, 2.0, -400.0, 404.0, verdict), (-1.0, 5.0))
    axis = Axis.of([Line("a", "x@*", "a on x", [wide], 48.0, (60,), (33.3,))])
    assert axis.high - axis.low < 50 and axis.leaves(-400.0) and axis.leaves(404.0)
    assert (axis.at(-400.0), axis.at(404.0)) == ("0.00%", "100.00%")
    assert 0 < float(axis.at(-1.0).rstrip("%")) < float(axis.at(5.0).rstrip("%")) < 100


def test_a_table_that_means_harm_stays_text() -> None:
    evil = '"><script>alert(1)</script>'
    link = csv_link(pd.DataFrame({"x": ["=cmd()", evil]}), evil)
    assert "<script" not in link and link.count("<a ") == 1
    escaped = evil.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;")
    table = f"<table><caption>c</caption><tr><th>h</th></tr><tr><td>{escaped}</td></tr></table>"
    linked = with_csv_links(f'<div aria-label="table: {escaped}">\n{table}</div>')
    assert "<script" not in linked
    data = re.findall('base64,([^"]*)"', linked)[0]
    assert base64.b64decode(data).decode() == 'h\n"""><script>alert(1)</script>"\n'


def test_languages_of_unequal_size_have_a_range(tmp_path: Path) -> None:
    items = lambda encoder, name, seed: {"en": right(5), "fr": right(4, 10), "sw": right(9, 30)}  # noqa: E731
    findings, page = found(tmp_path, items=items)
    assert findings.summary[0].items == (10, 30) and "<td>10 to 30</td>" in page
