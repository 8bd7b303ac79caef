"""The methods text, its citations and LaTeX, and what it says of a study."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.report.large import grid
from tests.results.numbers import make, record_all
from xtransfer.base.latex import escape
from xtransfer.report.citations import BENCHMARK_PAPERS, CITATIONS, bibliography
from xtransfer.report.findings import find
from xtransfer.report.latex import gains_table
from xtransfer.report.methods import Methods, methods
from xtransfer.results.database import open_database
from xtransfer.study.rounds import Rounds


@pytest.fixture
def text(tmp_path: Path) -> Methods:
    numbers = make(tmp_path)
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_all(db, numbers)
        found = find("numbers", db, numbers.store)
        return methods(found.facts, found.verdicts)


def test_it_says_what_was_done(text: Methods) -> None:
    plain = "\n".join(text.plain)
    assert "3 kinds of intermediate training, 1 target and 3 training seeds (0, 1 and 2) has 9 cells." in plain
    assert "nli in English" in plain and "nli in German" in plain
    assert "xnli (Conneau et al., 2018)" in plain
    assert "AdamW with linear decay to zero from 2e-05" in plain and "3 epochs" in plain
    assert "nothing is selected on development data" in plain
    assert "(Phang et al., 2020)" in plain and "(Hu et al., 2020; Ruder et al., 2021)" in plain


def test_only_what_applies_is_cited(text: Methods) -> None:
    assert {"phang-etal-2020-english", "owen-2007-pigeonhole", "conneau-etal-2018-xnli"} <= text.keys
    assert not text.keys & {"ponti-etal-2020-xcopa", "chidambaram-etal-2019-learning"}
    cited = {key for keys in re.findall(r"\\citep\{([^}]*)\}", text.latex) for key in keys.split(",")}
    entries = set(re.findall(r"^@\w+\{([^,]+),", text.bibtex, re.MULTILINE))
    assert cited == entries == text.keys


@pytest.mark.parametrize(
    ("asked", "said", "key"),
    [
        (
            Rounds(within=1.5),
            "compared with each other on one side (Hsu, 1984). Differences of up to 1.5 points do not matter.",
            "hsu-1984-constrained",
        ),
        (
            Rounds(until="likely", prior={"direct": (0, 1), "nli@de": (2, 1)}),
            "guards; its bounds have one. Intermediates that earlier studies predicted to be the best ran first",
            "hsu-1984-constrained",
        ),
        (
            Rounds(against="nli@en"),
            "each intermediate is compared with nli@en on two sides (Dunnett, 1955)",
            "dunnett-1955-multiple",
        ),
    ],
)
def test_rounds_are_told_as_they_were_asked_for(tmp_path: Path, asked: Rounds, said: str, key: str) -> None:
    numbers = make(tmp_path, seeds=range(4))
    study = numbers.plan.study.with_settings({"rounds": asked.model_dump(mode="json")})
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_all(db, replace(numbers, plan=replace(numbers.plan, study=study)))
        found = find("numbers", db, numbers.store)
        told = methods(found.facts, found.verdicts)
    plain = "\n".join(told.plain)
    assert "looks were planned after 3 and 4 runs" in plain and "at all looks (Pocock, 1977)" in plain and said in plain
    assert {"hsu-1984-constrained", "dunnett-1955-multiple"} & told.keys == {key}


def test_latex_has_no_bare_special_characters(text: Methods) -> None:
    bare = re.sub(r"\\citep\{[^}]*\}|\\text\w+\{\}|\\[&%$#_{}]|~(?=\\?)", "", text.latex)
    assert not re.search(r"[&%$#_{}\\^]", bare)
    assert "95\\%" in text.latex and "[@" not in text.latex


@pytest.mark.parametrize("key", CITATIONS)
def test_entries_are_whole(key: str) -> None:
    entry = CITATIONS[key]
    fields = dict(entry.fields)
    assert {"author", "title", "year"} <= set(fields) and fields["year"] in entry.short
    assert {"booktitle", "journal", "publisher"} & set(fields)
    assert entry.bibtex.count("{") == entry.bibtex.count("}")
    assert entry.short.split(",")[0].split(" ")[0] in fields["author"]


def test_benchmarks_name_papers_that_exist() -> None:
    assert set(BENCHMARK_PAPERS.values()) <= set(CITATIONS)
    assert bibliography(["holm-1979-simple", "holm-1979-simple"]).count("@article") == 1


def test_a_latex_table_has_equally_many_fields_in_every_row() -> None:
    text = gains_table(grid(50, 12))
    tabulars = re.findall(r"\\begin\{tabular\}\{(l(r+))\}(.*?)\\end\{tabular\}", text, re.DOTALL)
    assert len(tabulars) == 4
    for spec, _, body in tabulars:
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert len(rows) == 15 and {row.count(" & ") for row in rows} == {len(spec) - 1}
        assert body.count(r"\toprule") == body.count(r"\bottomrule") == 1
    assert text.count("{") == text.count("}")


def test_a_latex_table_shows_gains_and_marks_what_excludes_zero() -> None:
    given = grid(3, 1)
    text = gains_table(given)
    sure = given.numbers["mnli@af", "af"]
    assert sure.verdict.is_sure
    assert rf"\textbf{{{sure.gain_text.replace('-', '$-$')}}}" in text
    assert f"direct & {given.numbers['direct', 'af'].value:.1f}" in text


def test_every_special_character_stands_for_itself() -> None:
    assert escape(r"a_b 5% {x} ~m\ ^") == (r"a\_b 5\% \{x\} \textasciitilde{}m\textbackslash{} \textasciicircum{}")
