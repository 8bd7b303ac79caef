"""What is printed sends no commands to a terminal, a spreadsheet, a browser or TeX."""

from __future__ import annotations

import csv as csv_module
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from rich.markup import escape as escape_markup
from rich.table import Table
from typer.testing import CliRunner

import flows
from flows import cli
from flows.terminal import Console
from flows.terminal import Table as TextTable
from xtransfer.analysis.texts import csv, latex, markdown
from xtransfer.base.printable import printable
from xtransfer.base.settings import current
from xtransfer.results.database import open_database

CLEAR = "\x1b[2J\x1b]0;owned\x07\x9b5m\r\u202e"
SHOWN = r"\u001b[2J"


def test_what_a_terminal_obeys_is_shown_and_the_rest_stays() -> None:
    assert printable("a\tb\nc é 日本 \u200f") == "a\tb\nc é 日本 \u200f"
    assert printable("\x1b\x7f\x9b\r\u202e\ud800") == r"\u001b\u007f\u009b\u000d\u202e\ud800"
    assert json.loads(json.dumps(printable("\x7f")).replace("\\\\", "\\")) == "\x7f"


@pytest.mark.parametrize("fmt", ["table", "csv", "json", "latex", "markdown"])
def test_answers_hold_no_control_characters(home: Path, fmt: str) -> None:
    with open_database(current().prepare().database_url):
        pass
    query = "SELECT 1 AS n, 'x' || char(27, 155, 7, 13, 8238) || '[2J' AS name UNION SELECT 2, 'y' || char(27)"
    done = CliRunner().invoke(cli.app, ["results", "sql", query, "--format", fmt], catch_exceptions=False)
    assert done.exit_code == 0 and "x" in done.stdout
    if fmt == "table":  # no end is cut off
        assert r"x\u001b\u009b\u0007\u000d\u202e[2J" in done.stdout
    assert not re.search("[\0-\b\v-\x1f\x7f-\x9f\u202e]", done.stdout + done.stderr)
    if fmt == "json":
        assert json.loads(done.stdout)[0]["name"] == "x\x1b\x9b\x07\r\u202e[2J"


def test_the_console_colours_its_own_words_only() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, color_system="standard", legacy_windows=False)
    console.print(f"[red]{escape_markup(CLEAR)}[/red]", highlight=False)
    table = Table("name")
    table.add_row(CLEAR)
    console.print(table)
    written = out.getvalue()
    assert written.count(SHOWN) == 2 and "\x1b[31m" in written
    assert written.count(printable(CLEAR)) == 2  # in a table too, whose columns are as wide as what is shown
    assert not re.search("\x1b\\[2J|\x1b]|\x07|\x9b|\r|\u202e", written)


def test_every_command_prints_by_these_ways() -> None:
    (folder,) = map(Path, flows.__path__)
    direct = re.compile(r"from rich\.console|rich\.print|typer\.echo\(")
    found = {file.name for file in folder.rglob("*.py") if direct.search(file.read_text(encoding="utf-8"))}
    assert found == {"terminal.py", "cli.py"}  # `--version` prints a word of ours


def test_a_spreadsheet_gets_text_and_no_formulas() -> None:
    texts = ["=cmd|'/c calc'!A0", "@SUM(1)", "+1+cmd", "-x", "-1.2", "+3%", "nli@de", "–"]
    rows = list(csv_module.reader(io.StringIO(csv(pd.DataFrame({"=1": texts, "n": range(8)})))))
    assert rows[0] == ["'=1", "n"]
    assert [row[0] for row in rows[1:]] == [*(f"'{text}" for text in texts[:4]), *texts[4:]]


def test_markdown_holds_no_html_and_no_links() -> None:
    shown = markdown(pd.DataFrame({"a": ["<img src=x onerror=1>", "[a](javascript:x)", "two\nlines", "<.001"]}))
    assert shown.splitlines()[2:] == [
        "| &lt;img src=x onerror=1> |", r"| [a]\(javascript:x) |", "| two lines |", "| <.001 |"
    ]  # fmt: skip


def test_latex_keeps_every_text_in_its_cell_and_comment() -> None:
    shown = latex(pd.DataFrame({"same": ["x\n\\input{a}"] * 2, "b": ["1\n\n2", "\x1b"]}))
    assert r"% in every row: same x \input{a}" in shown.splitlines()
    assert "1  2" in shown and r"\textbackslash{}u001b" in shown


def _printed(width: int, show: Callable[[Console], None], *, terminal: bool = True) -> list[str]:
    out = io.StringIO()
    show(Console(file=out, force_terminal=terminal, width=width, color_system=None, legacy_windows=False))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_terminal_breaks_messages_between_words_and_a_pipe_gets_them_whole() -> None:
    path = "/a/very/long/path/that/is/copied/as/one"
    text = f"error: none of them has a target (xnli, paws-x)\n  report {path} ends\n\nnext"
    shown = ["error: none of them has", "a target (xnli, paws-x)", "  report", f"  {path}", "  ends", "", "next"]
    assert _printed(24, lambda console: console.print(text, soft_wrap=True)) == shown
    assert _printed(24, lambda console: console.print(text, soft_wrap=True), terminal=False) == text.splitlines()


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (15, ["by nli@tr", "nli@tr~marian"]),
        (12, ["by nli@tr", "nli@tr", "~marian"]),
        (6, ["by", "nli@tr", "nli@tr", "~marian"]),
    ],
)
def test_names_in_narrow_columns_break_at_their_parts(width: int, shown: list[str]) -> None:
    table = TextTable("name")
    table.add_row("by nli@tr nli@tr~marian")
    assert _printed(width, lambda console: console.print(table))[1:] == shown


def test_a_column_is_no_narrower_than_the_pieces_of_its_names() -> None:
    table = TextTable("name", "note", "points", right=("points",))
    table.add_row("multi-checklist-animal", "a sentence of some words", "[+1.0, +2.0]")
    lines = _printed(36, lambda console: console.print(table))
    assert [line.split()[0] for line in lines] == ["name", "multi-", "checklist-", "animal"]
    assert lines[1].endswith("[+1.0, +2.0]")


def test_cells_hold_no_markup() -> None:
    table = TextTable("place")
    table.add_row("/runs/[a] [/b] [red]x")
    assert _printed(60, lambda console: console.print(table))[1:] == ["/runs/[a] [/b] [red]x"]
