"""`xtransfer results`: every question in every format, in 80 columns, and what a wrong or empty question gets."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from flows import cli
from flows.terminal import Console
from tests.results.numbers import make, right
from tests.results.test_write import record_all
from tests.running import Ran, xtransfer
from xtransfer.analysis.questions import oriented
from xtransfer.analysis.results import open_results
from xtransfer.base.errors import RequestError
from xtransfer.base.latex import escape
from xtransfer.base.settings import current
from xtransfer.report.tables import rich_tables
from xtransfer.results.database import open_database

FORMATS = ("table", "csv", "json", "latex", "markdown")
STUDY = ("--study", "numbers")
QUESTIONS = {
    "scores": ("scores", *STUDY),
    "gains": ("gains", *STUDY),
    "gains by mean": ("gains", *STUDY, "--by", "mean"),
    "contrast": ("contrast", "nli@de", "nli@en", *STUDY),
    "ranking": ("ranking", *STUDY),
    "power": ("power", *STUDY, "--intermediate", "nli@de"),
    "model": ("model", *STUDY),
    "runs": ("runs", *STUDY),
    "diff": ("diff", "numbers/tiny/direct/xnli/0", "numbers/tiny/nli@de/xnli/0"),
    "diff of studies": ("diff", "numbers", "numbers"),
    "compare": ("compare", "--paper", "xtreme_r"),
    "sql": ("sql", "SELECT * FROM gains"),
}


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["results", *arguments], catch_exceptions=False)


@pytest.fixture
def numbers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The study `numbers` in the home of the test: one encoder, three intermediates, seeds 0 to 2, en de sw."""
    monkeypatch.setenv("COLUMNS", "80")
    made = make(home)
    with open_database(current().database_url) as db:
        record_all(db, made)


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_in_every_format(question: str, fmt: str, numbers: None) -> None:
    done = call(*QUESTIONS[question], "--format", fmt)
    assert done.exit_code == 0 and done.stdout.strip()
    if fmt == "json":
        assert json.loads(done.stdout)
    if fmt == "table":
        assert max(map(len, done.stdout.splitlines())) <= 80
    if fmt == "latex":
        assert r"\toprule" in done.stdout and done.stdout.count(r"\midrule") == done.stdout.count(r"\bottomrule") == 1


def rows(*arguments: str) -> list[dict[str, object]]:
    return list(json.loads(call(*arguments, "--format", "json").stdout))


def test_scores_are_filtered(numbers: None) -> None:
    found = rows(
        "scores", *STUDY, "--language", "de", "--intermediate", "nli@de", "--seed", "1", "--metric", "accuracy"
    )
    assert [row["value"] for row in found] == [70]


def test_gains_of_chosen_seeds(numbers: None) -> None:
    found = rows("gains", *STUDY, "--seed", "0", "--seed", "2", "--language", "sw", "--intermediate", "nli@de")
    assert [(row["value"], row["gain"], row["n_seeds"]) for row in found] == [(50, 20, 2)]
    assert {"p_holm", "p_bh", "low", "high"} <= set(found[0])


def test_gains_by_means_and_languages(numbers: None) -> None:
    means = {row["language"] for row in rows("gains", *STUDY, "--by", "mean")}
    assert means == {"mean-but-en", "mean-others"}
    assert {row["language"] for row in rows("gains", *STUDY)} == means | {"en", "de", "sw"}


def test_families_and_scripts(home: Path) -> None:
    counts = {"direct": {"en": 5, "de": 5, "fr": 5, "ru": 4, "bg": 4, "tr": 3},
              "nli@en": {"en": 6, "de": 8, "fr": 7, "ru": 5, "bg": 6, "tr": 3}}  # fmt: skip
    made = make(
        home,
        lambda encoder, intermediate, seed: {code: right(n) for code, n in counts[intermediate].items()},
        intermediates=("direct", "nli@en"),
    )
    with open_database(current().database_url) as db:
        record_all(db, made)
    found = {
        row["language"]: row["gain"] for row in rows("gains", *STUDY, "--by", "script", "--intermediate", "nli@en")
    }
    assert found == pytest.approx({"script:Latin": 50 / 3, "script:Cyrillic": 15})
    families = {row["language"]: row["difference"] for row in
                rows("contrast", "nli@en", "direct", *STUDY, "--by", "family")}  # fmt: skip
    assert families == pytest.approx({"family:Indo-European": 20})


def test_a_contrast_is_of_two(numbers: None) -> None:
    assert [row["difference"] for row in rows("contrast", "nli@de", "nli@en", *STUDY, "--language", "de")] == [20]
    assert [row["difference"] for row in rows("contrast", "nli@en", "nli@de", *STUDY, "--language", "de")] == [-20]
    with pytest.raises(RequestError, match="needs two intermediates, got 'direct' twice"):
        call("contrast", "direct", "direct", *STUDY)


def test_contrasts_change_sign_with_their_order() -> None:
    row = {"first": "a", "second": "b", "value": 5.0, "second_value": 2.0, "difference": 3.0, "low": 1.0, "high": 6.0,
           "joint_low": 0.5, "joint_high": 6.5, "verdict": "up"}  # fmt: skip
    frame = pd.DataFrame([row])
    assert oriented(frame, "a").equals(frame)
    turned = {"first": "b", "second": "a", "value": 2.0, "second_value": 5.0, "difference": -3.0, "low": -6.0,
              "high": -1.0, "joint_low": -6.5, "joint_high": -0.5, "verdict": "down"}  # fmt: skip
    assert oriented(frame, "b").to_dict("records") == [turned]


def test_the_best_and_what_is_needed(numbers: None) -> None:
    best = {row["intermediate"]: row["best"] for row in rows("ranking", *STUDY, "--language", "de")}
    assert best["nli@de"] > 0.9 and sum(best.values()) == pytest.approx(1)
    needed = rows("power", *STUDY, "--intermediate", "nli@de", "--language", "sw")
    assert {(row["first"], row["second"]) for row in needed} == {("nli@de", "direct"), ("nli@en", "nli@de")}
    assert all(row["advice"] for row in needed)
    terms = {row["term"]: row for row in rows("model", *STUDY)}
    assert terms["translated"]["estimate"] is None and terms["translated"]["note"]


def test_cells_that_are_left_out_are_said(home: Path) -> None:
    made = make(
        home,
        train_facts=lambda intermediate, seed: {"degenerate": "the loss never fell" if seed == 1 else None},
        intermediates=("direct", "nli@en"),
    )
    with open_database(current().database_url) as db:
        record_all(db, made)
    done = call("gains", *STUDY)
    assert done.stderr.count("left out: 1 cell (") == 2 and "the loss never fell" in done.stderr
    reason = call("runs", *STUDY).stderr.splitlines()
    assert len(reason) == 2 and reason[0].endswith("the loss never fell")


@pytest.mark.parametrize(
    "question", [("gains",), ("contrast", "nli@de", "direct"), ("ranking",)], ids=["gains", "contrast", "ranking"]
)
def test_one_seed_gives_no_verdict(question: tuple[str, ...], numbers: None) -> None:
    asked = (*question, *STUDY, "--seed", "0")
    for fmt in ("table", "markdown", "latex"):
        assert "not known from one run" in " ".join(call(*asked, "--format", fmt).stdout.split())
    found = rows(*asked)
    assert {
        row["reason"] for row in found if row["intermediate" if "intermediate" in row else "first"] != "direct"
    } == {"not known from one run"}
    assert all(row.get(name) is None for row in found for name in ("p", "p_holm", "p_bh", "best", "expected_rank"))


def test_two_runs_are_not_said_to_differ(numbers: None) -> None:
    said = " ".join(call(*QUESTIONS["diff"]).stdout.split())
    assert "Whether they differ is not known from one run" in said and "with 95% confidence" not in said


def test_a_latex_table_stands_in_a_paper(numbers: None) -> None:
    done = call("gains", *STUDY, "--by", "mean", "--format", "latex", "--caption", "Gains, 100% & more",
                "--label", "tab:gains")  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines[0] == "% in every row: encoder tiny@0, target xnli, runs 3, covers seeds and items"
    assert lines[1:4] == [r"\begin{table}", r"\centering", r"\begin{tabular}{llrrrrl}"]
    assert r"\caption{Gains, 100\% \& more}" in lines
    assert r"\label{tab:gains}" in lines and r"{[}" in lines[8]
    assert escape(r"a_b<c>~d\e") == r"a\_b\textless{}c\textgreater{}\textasciitilde{}d\textbackslash{}e"
    with pytest.raises(RequestError, match="--caption and --label are for --format latex, not csv"):
        call("gains", *STUDY, "--format", "csv", "--label", "tab:gains")


def test_a_narrow_terminal_gets_every_column_in_full(numbers: None) -> None:
    with open_results() as results:
        gains = results.gains("numbers")
    console = Console(width=40, file=io.StringIO())
    for table in rich_tables(gains, console.width):
        console.print(table)
    said = console.file.getvalue()
    assert "…" not in said and max(map(len, said.splitlines())) <= 40
    assert all(f" {heading} " in said for heading in ("nli@de", "any", "en", "de", "sw", "mean-but-en", "mean-others"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("scores", "--study", "nubers"), "no study 'nubers'; did you mean 'numbers'"),
        (("scores", "--study", "x'; DROP TABLE score; --"), "no study 'x'; DROP TABLE score; --'"),
        (("gains", "--study", "../../etc/passwd"), "no study '../../etc/passwd'"),
        (("runs", "--study", 'a"b'), "no study 'a\"b'"),
        (("scores", *STUDY, "--metric", "f1"), r"no metric 'f1' \(known: accuracy\)"),
        (("scores", *STUDY, "--target", "xnli", "--metric", "f1"), r"no metric of xnli 'f1' \(known: accuracy\)"),
        (("scores", *STUDY, "--language", "dee"), "no language 'dee'; did you mean 'de'"),
        (("scores", *STUDY, "--encoder", "tinny@0"), "no encoder 'tinny@0'; did you mean 'tiny@0'"),
        (("gains", *STUDY, "--target", "xnly"), "no target 'xnly'; did you mean 'xnli'"),
        (("gains", *STUDY, "--seed", "9"), r"no seed '9' \(known: 0, 1, 2\)"),
        (("gains", *STUDY, "--language", "xx"), "no language 'xx'"),
        (("gains", *STUDY, "--intermediate", "nli@dd"), "no intermediate 'nli@dd'; did you mean 'nli@de'"),
        (("contrast", "nli@en", "nli@fr", *STUDY), "no intermediate 'nli@fr'"),
        (("runs", *STUDY, "--seed", "7"), "no seed '7'"),
        (("power", *STUDY, "--intermediate", "nli@fr"), "no intermediate 'nli@fr'"),
        (("ranking", *STUDY, "--target", "xnly"), "no target 'xnly'; did you mean 'xnli'"),
        (("model", *STUDY, "--seed", "8"), "no seed '8'"),
        (("diff", "numbers", "other"), "no study or run 'other'"),
        (("compare", "--paper", "xtreem"), "no paper 'xtreem'; did you mean 'xtreme'"),
    ],
)
def test_wrong_questions(arguments: tuple[str, ...], said: str, numbers: None) -> None:
    with pytest.raises(RequestError, match=said):
        call(*arguments)


def test_filters_that_a_question_has_not(numbers: None) -> None:
    with open_results() as results:
        for ask in (results.gains, results.contrasts, results.ranking, results.power, results.model):
            with pytest.raises(TypeError, match="'lang'"):
                ask("numbers", lang="de")
        with pytest.raises(RequestError, match="no filter 'language'"):
            results.statistic("model", "numbers", language="de")
        assert set(results.contrasts("numbers", "nli@de", by="mean")["second"]) == {"direct", "nli@en"}


def test_an_empty_answer_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(home, lambda encoder, intermediate, seed:
                {"en": right(4)} if intermediate == "direct" else {"en": right(4), "de": right(3)},
                intermediates=("direct", "nli@en"))  # fmt: skip
    with open_database(current().database_url) as db:
        record_all(db, made)
    asked = ("scores", *STUDY, "--intermediate", "direct", "--language", "de")
    for fmt in FORMATS:
        done = call(*asked, "--format", fmt)
        assert done.exit_code == 0 and done.stderr == "no rows: the database has nothing that matches\n"
        first = done.stdout.partition(",")[0] if fmt == "csv" else "".join(done.stdout.split())
        assert first == {"csv": "study", "json": "[]"}.get(fmt, "")


@pytest.mark.parametrize(
    "question", ["gains --by family", "contrast nli@en direct", "ranking", "power", "runs --seed 0"]
)
def test_where_nothing_has_learnt_anything(question: str, home: Path) -> None:
    made = make(home, train_facts=lambda intermediate, seed: {"degenerate": "the loss never fell"}, seeds=(0,),
                intermediates=("direct", "nli@en"))  # fmt: skip
    with open_database(current().database_url) as db:
        record_all(db, made)
    done = call(*question.split(), *STUDY)
    assert (done.exit_code == 0 and "the loss never fell" in done.stderr) or question in ("ranking", "power")
    assert question.startswith("runs") or (done.stderr.startswith("no rows: ") and not done.stdout)


def test_nothing_comparable_says_so(numbers: None) -> None:
    done = call("compare", "--paper", "chidambaram_2018", "--benchmark", "eigen-similarity")
    assert done.exit_code == 0 and "nothing in the database is comparable with these figures" in done.stderr
    assert "xtransfer has no such benchmark" in done.stdout and "0.8" in done.stdout


def test_sql_reads_only(small_lab: Ran) -> None:
    assert xtransfer(small_lab.home, "results", "sql", "DELETE FROM score").returncode == 2
    done = xtransfer(small_lab.home, "results", "sql", "SELECT count(*) AS n FROM score", "--format", "csv")
    assert done.stdout == "n\n44\n"


def test_sql_shows_small_numbers(numbers: None) -> None:
    query = "SELECT 0.00002 AS rate, 0.0004 AS p, 61.25 AS score, 1e-14 AS least"
    assert call("sql", query, "--format", "markdown").stdout.splitlines()[-1].split("|")[1:-1] == [
        " 2e-05 ", " 0.0004 ", " 61.25 ", " 1e-14 "
    ]  # fmt: skip
    assert json.loads(call("sql", query, "--format", "json").stdout)[0]["least"] == 1e-14


def test_sql_has_limits(numbers: None) -> None:
    done = call("sql", "SELECT * FROM score", "--rows", "2", "--format", "csv")
    assert len(done.stdout.splitlines()) == 3 and "cut after 2 rows" in done.stderr
    with pytest.raises(RequestError, match=r"stopped after 0.2 s"):
        call("sql", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
             "--seconds", "0.2")  # fmt: skip
