"""What a terminal shows of results: tables that fit, what their columns are, and what their intervals lack."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import cli
from flows.commands.found import print_gains
from flows.terminal import Console
from tests.flows.test_results_commands import QUESTIONS, STUDY, call
from tests.results.numbers import make, record_all
from xtransfer.base.errors import RequestError
from xtransfer.base.settings import current
from xtransfer.results.database import open_database


@pytest.fixture(autouse=True)
def numbers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The study `numbers` in the home of the test: one encoder, three intermediates, seeds 0 to 2, en de sw."""
    monkeypatch.setenv("COLUMNS", "80")
    with open_database(current().prepare().database_url) as db:
        record_all(db, make(home))


def test_a_table_that_is_too_wide_is_split_by_its_first_column(numbers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "62")
    lines = call("gains", *STUDY, "--intermediate", "nli@de", "--intermediate", "any").stdout.splitlines()
    assert [line for line in lines if line.startswith("intermediate ")] == ["intermediate any", "intermediate nli@de"]
    rows = [line.split()[0] for line in lines if re.search(r"\d\.\d", line)]
    assert rows == ["en", "de", "sw", "mean-but-en", "mean-others"] * 2
    assert max(map(len, lines)) <= 62


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("gains", "verdict: up or down where the 95% interval excludes 0, else open; "),
        ("contrast", "their difference, in points; verdict: up or down"),
        ("ranking", "best: the probability of the highest score"),
        ("power", "found with 80% probability (level 5%), in points; mean-but-en"),
        ("model", "points: of gain per unit of the term"),
    ],
)
def test_a_terminal_says_what_the_columns_are_and_programs_get_no_prose(asked: str, said: str) -> None:
    assert said in " ".join(call(*QUESTIONS[asked]).stdout.split())
    assert said not in " ".join(call(*QUESTIONS[asked], "--format", "csv").stdout.split())


def test_a_run_says_what_its_table_means(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_gains(make(tmp_path / "again").plan.study, Console(width=80))
    said = " ".join(capsys.readouterr().out.split())
    assert re.search(
        r"┘ On mean-others, training first, on average over the intermediates, .* points over direct", said
    )
    assert re.search(r"One by one: nli@en(: | and nli@de: )\w+", said)
    assert said.index("One by one") < said.index("score, gain over direct in points")


def test_studies_lists_those_that_were_run(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = CliRunner().invoke(cli.app, ["studies"], catch_exceptions=False).stdout.splitlines()
    assert [line.split() for line in lines[-2:]] == [["run", "here", "cells", "with", "scores"], ["numbers", "9", "9"]]
    assert json.loads(call("studies", "--format", "json").stdout)[0]["cells"] == 9
    monkeypatch.setenv("XTRANSFER_DATABASE_URL", "sqlite:////nowhere/results.db")
    asked = CliRunner().invoke(cli.app, ["studies"], catch_exceptions=False)
    assert asked.exit_code == 0 and "run here" not in asked.stdout


def test_what_a_bundle_does_not_bring_is_said_with_the_intervals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "test items" not in call("gains", *STUDY).stderr
    monkeypatch.setenv("XTRANSFER_STORE", str(tmp_path / "another"))
    for asked in ("gains", "contrast", "ranking"):
        done = call(*QUESTIONS[asked])
        assert "no interval covers test items of " in done.stderr and "set XTRANSFER_STORE" in done.stderr
    assert "covers seeds\n" in call("gains", *STUDY).stdout


def test_a_key_of_a_stage_is_no_run() -> None:
    key = json.loads(call("sql", "SELECT key FROM stage LIMIT 1", "--format", "json").stdout)[0]["key"]
    with pytest.raises(RequestError, match=f"'{key[:12]}' is the key of a stage, '.*'; name a study, or a cell"):
        call("diff", key[:12], "numbers")
