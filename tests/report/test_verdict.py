"""No page says more than the numbers: every rendering of a study follows the same verdict."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from matplotlib.colors import to_hex
from rich.console import Console

from tasks import artifacts
from tests.report.read import read
from tests.results.numbers import make, record_all, right
from xtransfer.analysis.statistic import chances
from xtransfer.analysis.statistics import RANKING
from xtransfer.analysis.texts import csv
from xtransfer.report import plots
from xtransfer.report.findings import Findings, find
from xtransfer.report.latex import gains_table
from xtransfer.report.methods import methods
from xtransfer.report.page import write_findings
from xtransfer.report.tables import rich_tables
from xtransfer.results.database import open_database


def helped(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
    """60 items: German data helps Swahili by 30 to 63 points, as the run has it; English data by nothing."""
    german = (56, 38, 58, 57)[seed] + int(encoder.removeprefix("tiny@"))
    sw = {"direct": 20, "nli@en": 20, "nli@de": german}[intermediate]
    return {"en": right(30, 60), "fr": right(sw, 60), "sw": right(sw, 60)}


def only_one(intermediate: str, seed: int) -> dict[str, Any]:
    return {"degenerate": "the loss never fell"} if seed != 0 and intermediate != "direct" else {}


@dataclass(frozen=True)
class Case:
    """A study, and what may be said of training on German first."""

    name: str
    state: str  # "up", "open", "unknown", "none"
    said: str  # of the interval
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def has_p(self) -> bool:
        return self.state in ("up", "open") and "two seeds" not in self.name

    def __str__(self) -> str:
        return self.name


CASES = [
    Case("one seed", "unknown", "not known from one run (95% interval over test items only)", {"seeds": [0]}),
    Case("two seeds that disagree", "open", "95% interval over seeds and test items", {"seeds": [0, 1]}),
    Case("three seeds", "up", "95% interval over seeds and test items", {"seeds": [0, 2, 3]}),
    Case("one seed left of three", "unknown",
         "not known from one run, all that is left of 3 (95% interval over test items only)",
         {"seeds": [0, 2, 3], "train_facts": only_one}),
    Case("tag F1 with one seed", "unknown", "not known from one run (no interval)",
         {"seeds": [0], "with_items": False}),
    Case("tag F1 with three seeds", "up", "95% interval over seeds only", {"seeds": [0, 2, 3], "with_items": False}),
    Case("no direct", "none", "", {"seeds": [0], "intermediates": ["nli@en", "nli@de"]}),
    Case("one group of items, one seed", "unknown", "not known from one run (no interval)",
         {"seeds": [0], "group_size": 60}),
    Case("one group of items, three seeds", "up", "95% interval over seeds only",
         {"seeds": [0, 2, 3], "group_size": 60}),
    Case("translate-train with one seed", "unknown", "not known from one run (95% interval over test items only)",
         {"seeds": [0], "target": "xnli:translate-train~engine"}),
    Case("pooled encoders", "up", "95% interval over encoders and test items",
         {"seeds": [0], "encoders": ["tiny@0", "tiny@1", "tiny@2"]}),
    Case("translate-train", "up", "95% interval over seeds and test items",
         {"seeds": [0, 2, 3], "target": "xnli:translate-train~engine"}),
]  # fmt: skip


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def study(case: Case, tmp_path_factory: pytest.TempPathFactory) -> tuple[Findings, str]:
    """What is found, and the report's page."""
    tmp_path = tmp_path_factory.mktemp("study")
    numbers = make(tmp_path, helped, **case.made)
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_all(db, numbers)
        found = find("numbers", db, numbers.store)
    return found, read(write_findings(found, numbers.store, tmp_path / "out"))


def terminal(found: Findings) -> str:
    console = Console(width=140, file=io.StringIO(), record=True, force_terminal=True, color_system="standard")
    console.print(*rich_tables(found.gains, 140))
    return console.export_text(styles=True)


MARKED: dict[str, tuple[Callable[[Findings], str], str]] = {  # rendering → its text, a gain that is marked as sure
    "terminal": (terminal, r"\x1b\[1m *[+-]\d"),
    "latex": (lambda found: "".join(gains_table(grid) for grid in found.headline), r"\\textbf\{"),
}


@pytest.mark.parametrize("rendering", MARKED)
def test_tables_mark_what_is_sure_and_say_what_is_not_known(
    rendering: str, case: Case, study: tuple[Findings, str]
) -> None:
    render, mark = MARKED[rendering]
    text = render(study[0])
    assert bool(re.search(mark, text)) == (case.state == "up")
    assert case.said in " ".join(re.sub(r"\x1b\[[\d;]*m|\\(?=%)", "", text).split())


def test_the_page_follows(case: Case, study: tuple[Findings, str]) -> None:
    page = study[1]
    text = re.sub(r"<[^>]+>", "", page)
    assert case.said in text
    assert ('class="gain sure up"' in page) == ("•" in page) == (case.state == "up")
    assert ("Training on nli@de first helped" in text) == (case.state == "up")
    assert ("nli@de is better than nli@en by" in text) == (case.state == "up")
    assert ("Probability of being the best on" in text) == (case.state in ("up", "open"))
    assert ("have p &lt; 0.05" in text) == case.has_p
    assert ("without a p value: two runs are too few" in text) == ("two seeds" in case.name)
    if case.state == "unknown":
        assert "Whether training on nli@de first helps is not known from one run" in text
        assert (
            "Which of them is the best on mean-but-en, the mean of all languages but English, is not known from one run"
            in text
        )
        assert 'class="unknown' in page and not re.search(r'<li class="(up|down|open)', page)


def test_what_was_trained_in_is_not_called_unseen(case: Case, study: tuple[Findings, str]) -> None:
    found, page = study
    text = artifacts.answer(found, Path("report.html"))
    assert "without training data" not in page and "unseen" not in page.partition("Provenance")[0]
    if case.state == "none":
        return
    everywhere = "translate-train" in case.name
    mean = (
        "trained in each of them, on translations"
        if everywhere
        else "On mean-others, the mean of the other languages: "
    )
    assert mean in page and mean in text
    assert ("mean-others" in set(found.gains["language"])) == (not everywhere)


def test_markers_are_filled_for_what_is_sure_alone(case: Case, study: tuple[Findings, str]) -> None:
    figures = [figure for grid in study[0].headline for figure in plots.forests(grid)]
    lines = [line for figure in figures for axes in figure.axes for line in axes.get_lines()]
    filled = [line for line in lines if line.get_marker() in ("o", "D") and line.get_markerfacecolor() != "none"]
    assert bool(filled) == (case.state == "up")
    intervals = [line for line in lines if line.get_marker() == "None" and len(set(line.get_ydata())) == 1]
    drawn = {(line.get_linestyle(), to_hex(line.get_color())) for line in intervals}
    if case.state == "unknown":
        assert drawn <= {(":", "#7f7f7f")}


def test_artifacts_follow(case: Case, study: tuple[Findings, str]) -> None:
    found = study[0]
    text = artifacts.answer(found, Path("report.html")).replace("\\", "")
    rows = [row for row in artifacts.gains(found) if (row["intermediate"], row["language"]) == ("nli@de", "sw")]
    verdicts = {row["verdict"].partition(",")[0] for row in rows}
    best = found.shown[RANKING].to_dict("records")
    assert ("nli@de first helped" in text) == (case.state == "up")
    assert verdicts == {"unknown": {"not known from one run"}, "none": {""}}.get(case.state, {case.state})
    assert all((row["best"] != "") == (case.state in ("up", "open")) for row in best)
    if case.state in ("unknown", "none"):
        assert best and all(row["verdict"].startswith("not known from one run") for row in best)
    if case.state == "unknown":
        assert "helps is not known from one run" in text and "helped" not in text
        assert all(case.said in image[3] for image in artifacts.images(found))


def test_methods_and_files_follow(case: Case, study: tuple[Findings, str]) -> None:
    found = study[0]
    text = " ".join(methods(found.facts, found.verdicts).plain)
    sure, known = case.state == "up", case.state in ("up", "open")
    assert ("runs and test items as samples" in text) == (known and "and test items" in case.said)
    assert ("methods of Holm" in text) == case.has_p
    assert ("two runs no p-values" in text) == ("two seeds" in case.name)
    assert ("not known from one run" in text) == (not known or "pooled" in case.name)  # each encoder has one run
    assert bool(found.gains["p"].notna().any()) == case.has_p
    assert bool((found.gains["verdict"] == "up").any()) == sure
    assert bool((found.contrasts["verdict"].isin(["up", "down"])).any()) == sure
    assert found.computed[RANKING]["best"].notna().any() == known
    assert (",up," in csv(found.gains)) == sure


@pytest.mark.parametrize(
    ("values", "said"),
    [((100 / 3,), "33.3"), ((0.25, 0.25), "0.25"), ((0.1, 50.0), "0.1 to 50.0"), ((None, float("nan")), ""), ((), "")],
)
def test_the_score_of_guessing_is_said_as_it_is(values: tuple[float | None, ...], said: str) -> None:
    assert chances(*values) == said
