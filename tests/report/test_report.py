"""Tables, plots and the page of studies whose numbers a hand can compute."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from tests.report.read import read
from tests.results.numbers import Numbers, make, right, simple
from xtransfer.analysis import gains
from xtransfer.base.errors import RequestError
from xtransfer.base.words import duration
from xtransfer.report import plots, write_report
from xtransfer.report.tables import grids, heading, headline, rich_tables
from xtransfer.results.database import open_database
from xtransfer.results.write import record_cell, record_failure, record_study

Reporter = Callable[[Numbers], Path]


@pytest.fixture
def report(tmp_path: Path) -> Reporter:
    def write(numbers: Numbers) -> Path:
        with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
            record_study(db, numbers.plan)
            for cell in numbers.cells:
                if numbers.store.find(cell.score.key):
                    record_cell(db, "numbers", cell, numbers.store)
                else:
                    record_failure(db, "numbers", cell, "out of <memory>")
            return write_report(numbers.plan.study, db, numbers.store, tmp_path / "a report")

    return write


def helped(encoder: str, intermediate: str, seed: int) -> dict[str, list[float]]:
    """60 items; German data helps Swahili by 60 points in every seed, English data by nothing."""
    sw = {"direct": 20, "nli@en": 20, "nli@de": 56}[intermediate]
    return {"en": right(30, 60), "sw": right(sw + seed, 60)}


def test_the_page_answers_in_words(tmp_path: Path, report: Reporter) -> None:
    text = read(report(make(tmp_path, helped)))
    assert "Training on nli@de first helped: +60.0 points over direct (95% interval" in text
    assert "Training on nli@en first made no difference that this study can detect: 0.0 points" in text
    assert "nli@de is better than nli@en by 60.0 points" in text
    assert "xtransfer run numbers" in text
    assert "Does training on inference first help?" in text


def test_the_page_asks_nothing_of_the_network(tmp_path: Path, report: Reporter) -> None:
    page = report(make(tmp_path))
    text = read(page)
    assert not re.findall(r"https?:|<script\s|<link|<img|@import|src=|url\((?!#)", text)
    assert "default-src 'none'; script-src 'sha256-" in text
    beside = set(re.findall(r'href="(?!#|data:)([^"]*)"', text))
    assert {"gains.csv", "summary.csv", "methods.tex", "losses.png"} < beside
    assert all((page.parent / name).is_file() for name in beside)
    for used in re.findall(r'href="(#[^"]*)"', text) + re.findall(r"url\(([^)]*)\)", text):
        assert used.startswith("#")
        assert f'id="{used[1:]}"' in text
    assert page.stat().st_size < 3_000_000


def test_plots_and_tables_stand_beside_the_page(tmp_path: Path, report: Reporter) -> None:
    folder = report(make(tmp_path)).parent
    names = {path.name for path in folder.iterdir()}
    assert {"report.html", "gains.csv", "contrasts.csv", "losses.png", "losses.pdf", "losses.svg"} < names
    assert {"heat-map-1-xnli-on-tiny-0.png", "heat-map-1-xnli-on-tiny-0.svg"} < names
    assert not [name for name in names if name.startswith(".")]
    heading = "encoder,intermediate,target,language,value,gain,low,high,p,"
    assert (folder / "gains.csv").read_text(encoding="utf-8").startswith(heading)
    assert (folder / "losses.png").read_bytes().startswith(b"\x89PNG")


def test_writing_twice_gives_the_same_files(tmp_path: Path, report: Reporter) -> None:
    numbers = make(tmp_path)
    folder = report(numbers).parent
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    report(numbers)
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before


def test_failed_and_degenerate_cells_are_listed_and_escaped(tmp_path: Path, report: Reporter) -> None:
    numbers = make(
        tmp_path,
        train_facts=lambda name, seed: {"degenerate": "loss never fell"} if (name, seed) == ("nli@en", 1) else {},
        only=lambda name, seed: (name, seed) != ("nli@de", 0),
    )
    text = read(report(numbers))
    assert "9 cells, 2 of them without usable scores" in text
    assert "loss never fell" in text
    assert "out of &lt;memory&gt;" in text
    assert "1 left out" in text


def test_a_study_without_any_score_says_so(tmp_path: Path, report: Reporter) -> None:
    text = read(report(make(tmp_path, only=lambda name, seed: False)))
    assert "No intermediate can be compared with direct: 9 cells without scores." in text
    assert "<p>No cell has usable scores.</p>" in text and 'class="left summary"' not in text


def test_a_study_without_direct_is_not_called_unfinished(tmp_path: Path, report: Reporter) -> None:
    text = read(report(make(tmp_path, intermediates=["nli@en"])))
    assert "No intermediate can be compared with direct." in text


def test_a_study_of_english_alone_does_not_deny_its_gains(tmp_path: Path, report: Reporter) -> None:
    items = lambda encoder, name, seed: {"en": simple(encoder, name, seed)["en"]}  # noqa: E731
    text = read(report(make(tmp_path, items)))
    assert "Nothing but English can be compared" in text and "No intermediate can be compared" not in text
    assert "gains over single languages" in text


def test_pooled_encoders_come_first_and_single_ones_below(tmp_path: Path, report: Reporter) -> None:
    text = read(report(make(tmp_path, encoders=["tiny@0", "tiny@1", "tiny@2"])))
    assert text.index(">xnli on tiny (3 encoders pooled)</h2>") < text.index("xnli on tiny@2</summary>")


def test_a_single_encoder_is_shown_once(tmp_path: Path, report: Reporter) -> None:
    text = read(report(make(tmp_path)))
    assert "Single encoders" not in text
    assert text.count(">xnli on tiny@0</h2>") == 1


def test_an_unknown_study_is_refused(tmp_path: Path) -> None:
    numbers = make(tmp_path)
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_study(db, numbers.plan)
        with pytest.raises(RequestError, match="no study 'nubers'; did you mean 'numbers'"):
            write_report("nubers", db, numbers.store, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    numbers = make(tmp_path)
    (tmp_path / "out").write_text("a file")
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_study(db, numbers.plan)
        with pytest.raises(RequestError, match="the report cannot be written"):
            write_report("numbers", db, numbers.store, tmp_path / "out")


def test_tables(tmp_path: Path) -> None:
    numbers = make(tmp_path, helped)
    frame = gains(numbers.cells, numbers.store)
    grid = next(grids(frame))
    assert grid.title == "xnli on tiny@0"
    assert [heading(one) for one in grid.columns] == ["en", "sw", "mean-but-en", "mean-others"]
    assert [grid.numbers["direct", one].value for one in grid.columns[:3]] == [50.0, 35.0, 35.0]
    assert grid.numbers["nli@de", "en"].gain_text == "0.0" and grid.numbers["nli@de", "sw"].gain_text == "+60.0"
    assert headline(frame)["encoder"].unique().tolist() == ["tiny@0"]


@pytest.mark.parametrize(
    ("width", "columns", "intervals"), [(140, [7], 7), (92, [7], 2), (75, [5, 2], 2), (48, [2, 4, 1], 1)]
)
def test_terminal_tables_fit_and_lose_no_language(
    tmp_path: Path, width: int, columns: list[int], intervals: int
) -> None:
    def five_languages(encoder: str, name: str, seed: int) -> dict[str, list[float]]:
        return {code: right(20 if name == "direct" else 56, 60) for code in ("en", "de", "fr", "ru", "sw")}

    numbers = make(tmp_path, five_languages, intermediates=["direct", "nli@de"])
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(*rich_tables(gains(numbers.cells, numbers.store), width))
    lines = console.export_text().splitlines()
    assert "…" not in "".join(lines) and max(map(len, lines)) <= width
    rows = [line for line in lines if line.startswith("│ nli@de")]
    assert [line.count("│") - 2 for line in rows] == columns
    assert sum(line.count("[") for line in lines) == intervals
    assert [code in "".join(lines) for code in ("en", "de", "fr", "ru", "sw")] == [True] * 5


def test_a_terminal_table_says_what_its_numbers_are_from(tmp_path: Path) -> None:
    numbers = make(tmp_path)
    shown = rich_tables(gains(numbers.cells, numbers.store), 48, {"xnli": 100 / 3})
    titles = [str(one).strip() for one in shown if isinstance(one, Text)]
    assert titles[0] == "xnli on tiny@0" and titles[-2] == "xnli on tiny@0, continued"  # as wide as the terminal
    assert titles[-1].startswith(
        "score, gain over direct in points; guessing gives 33.3; 3 runs; 10 test items in each language; 95% interval"
    )


def test_a_label_with_markup_is_escaped(tmp_path: Path) -> None:
    numbers = make(tmp_path)
    grid = next(grids(gains(numbers.cells, numbers.store)))
    figure = plots.heat_maps(grid)[0]
    text = plots.inline(figure, plots.svg(figure), 'xnli<lingnli "x"', "one")
    assert 'aria-label="xnli&lt;lingnli &#34;x&#34;"' in text
    assert "currentColor" in text
    assert 'id="one-' in text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.42, "0.4 s"), (42, "42 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (359_000, "4 days 3 h")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said
