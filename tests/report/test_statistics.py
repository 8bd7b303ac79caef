"""A statistic from outside: one module that computes it and one line of the registry show it everywhere."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from flows.commands import results as commands
from tests.report.read import read
from tests.results.numbers import make, record_all
from xtransfer.analysis import Grid, statistics
from xtransfer.analysis.results import open_results
from xtransfer.analysis.statistic import Statistic, column, named, points
from xtransfer.base.errors import RequestError
from xtransfer.base.settings import current
from xtransfer.report import write_report
from xtransfer.report.findings import find
from xtransfer.results.database import open_database
from xtransfer.store.artifacts import ArtifactStore


def worst_languages(grid: Grid) -> pd.DataFrame:
    """The lowest score of each cell. Columns: encoder, intermediate, target, seed, worst (points)."""
    rows = [(one.encoder, one.intermediate, one.target, one.seed, min(grid.usable[one].values.values()))
            for one in grid.points]  # fmt: skip
    return pd.DataFrame(rows, columns=["encoder", "intermediate", "target", "seed", "worst"])


WORST = Statistic(
    "worst",
    "The score in the language in which a cell does worst.\n\nA word for the help alone.",
    worst_languages,
    (*named("encoder", "target", "intermediate", "seed"), column("lowest & last", "worst", points)),
    filters=("encoder", "intermediate", "target", "seed"),
    by=None,
    title="Where it is <worst>",
    file="worst-languages",
)
STUDY = ("--study", "numbers")


@pytest.fixture
def recorded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "STATISTICS", (*statistics.STATISTICS, WORST))
    made = make(home)
    with open_database(current().database_url) as db:
        record_all(db, made)


def ask(*arguments: str) -> str:
    done = CliRunner().invoke(commands.make_app(), ["worst", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


@pytest.mark.usefixtures("recorded")
def test_it_is_a_command_with_its_words_and_filters() -> None:
    said = " ".join(ask("--help").split())
    assert "The score in the language in which a cell does worst." in said and "A word for the help alone." in said
    assert "--intermediate" in said and "--language" not in said and "--by" not in said
    rows = json.loads(ask(*STUDY, "--intermediate", "nli@de", "--seed", "1", "--format", "json"))
    assert rows == [{"encoder": "tiny@0", "intermediate": "nli@de", "target": "xnli", "seed": 1, "worst": 60.0}]
    assert "| tiny@0 | xnli | nli@de | 1 | 60.0 |" in ask(*STUDY, "--format", "markdown").splitlines()
    assert len(ask(*STUDY, "--format", "csv").splitlines()) == 10
    assert r"lowest \& last" in ask(*STUDY, "--format", "latex")


@pytest.mark.usefixtures("recorded")
def test_it_is_a_method_and_refuses_what_it_does_not_have() -> None:
    with open_results() as results:
        assert results.statistic("worst", "numbers", intermediate="direct")["worst"].tolist() == [30.0, 40.0, 30.0]
        with pytest.raises(RequestError, match="no intermediate 'nli@dd'; did you mean 'nli@de'"):
            results.statistic("worst", "numbers", intermediate="nli@dd")
        with pytest.raises(RequestError, match="no filter 'language'"):
            results.statistic("worst", "numbers", language="de")
        with pytest.raises(RequestError, match="rows of 'worst' are not about languages"):
            results.statistic("worst", "numbers", by="mean")
        with pytest.raises(RequestError, match="no statistic 'wurst'; did you mean 'worst'"):
            results.statistic("wurst", "numbers")


@pytest.mark.usefixtures("recorded")
def test_it_is_on_the_page_and_in_files_beside_it(tmp_path: Path) -> None:
    with open_database(current().database_url, read_only=True) as db:
        page = read(write_report("numbers", db, ArtifactStore(current().store), tmp_path / "report"))
    assert "<worst>" not in page and '<a href="#statistic-worst">' in page
    section = unescape(page[page.index('<h2 id="statistic-worst">') :].partition("</section>")[0])
    assert "Where it is <worst>" in section and "The score in the language in which a cell does worst." in section
    assert "A word for the help alone" not in section and section.count("<tr") == 10
    assert '<th scope="col">lowest & last</th>' in section and "<td>60.0</td>" in section
    listed = (tmp_path / "report" / "worst-languages.csv").read_text().splitlines()
    assert listed[0] == "encoder,intermediate,target,seed,worst" and len(listed) == 10
    assert "worst-languages.csv" in page
    assert r"lowest \& last" in (tmp_path / "report" / "tables" / "worst-languages.tex").read_text()


@pytest.mark.usefixtures("recorded")
def test_it_is_among_the_tables_that_a_run_shows() -> None:
    with open_database(current().database_url, read_only=True) as db:
        shown = find("numbers", db, ArtifactStore(current().store)).shown
    assert [one.name for one in shown] == ["ranking", "power", "worst"]
    assert shown[WORST].iloc[0].to_dict() == {"encoder": "tiny@0", "target": "xnli", "intermediate": "direct",
                                              "seed": "0", "lowest & last": "30.0"}  # fmt: skip
