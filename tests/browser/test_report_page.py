"""The page of a report in a browser, opened as a file: sorting, filters, folding, without scripts, in print, axe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.results.numbers import make, record_all, right
from xtransfer.report import write_report
from xtransfer.results.database import open_database

LANGUAGES = ("en", "de", "fr", "sw", "tr")
PHONE = {"width": 390, "height": 844}


def items(encoder: str, name: str, seed: int) -> dict[str, list[float]]:
    """60 items in five languages; German data help most, and Swahili most of all."""
    better = {"direct": 0, "nli@en": 4, "nli@de": 20}[name]
    return {code: right(20 + better + 2 * place + seed, 60) for place, code in enumerate(LANGUAGES)}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of one target, a cell of which learned nothing."""
    folder = tmp_path_factory.mktemp("report")
    bad = lambda name, seed: {"degenerate": "the loss never fell"} if (name, seed) == ("nli@en", 3) else {}  # noqa: E731
    numbers = make(folder, items, seeds=range(4), train_facts=bad)
    with open_database(f"sqlite:///{folder / 'results.db'}") as db:
        record_all(db, numbers)
        return write_report("numbers", db, numbers.store, folder / "out")


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    """The page as a file; it may ask for nothing else, and its script may raise nothing."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    requests: list[str] = []
    errors: list[str] = []
    opened.on("request", lambda request: requests.append(request.url))
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    opened.goto(report.as_uri())
    yield opened
    context.close()
    assert {url.partition("#")[0] for url in requests} == {report.as_uri()} and not errors


def column(page: Any, table: str, number: int) -> list[str]:
    """The texts of a column of a table's body that are shown."""
    cells = page.locator(f'[aria-label="{table}"] tbody tr:not(.group) > :nth-child({number})')
    return [str(text) for text in cells.all_inner_texts()]


def test_the_answer_and_its_plot_are_on_the_first_screens(page: Any) -> None:
    assert page.locator(".overall").bounding_box()["y"] < 400
    forest = page.locator('[aria-label="forest plot: summary"]').bounding_box()
    assert forest["y"] + forest["height"] < 1300
    assert page.locator(".forest .run").count() == 4 * 3 - 2  # two comparisons lost a run


def test_a_click_on_a_heading_sorts_up_down_and_back(page: Any) -> None:
    table = "table: xnli on tiny@0"
    heading = page.locator(f'[aria-label="{table}"]').get_by_role("button", name="sw", exact=True)
    before = column(page, table, 1)
    assert before[0] == "direct"
    orders = []
    for state in ("ascending", "descending", None):
        heading.click()
        assert heading.locator("..").get_attribute("aria-sort") == state
        orders.append([float(re.match(r"[\d.]+", text)[0]) for text in column(page, table, 5)])  # type: ignore[index]
    assert orders[0] == sorted(orders[0]) and orders[1] == sorted(orders[0], reverse=True)
    assert column(page, table, 1) == before


def test_text_and_durations_are_sorted_by_what_they_mean(page: Any) -> None:
    page.get_by_role("button", name="unfold").click()
    names = page.locator('[aria-label="forest plot: summary"]').get_by_role("button", name="intermediate")
    names.click()
    assert column(page, "forest plot: summary", 1) == ["any", "nli@de", "nli@en"]
    page.locator('[aria-label="table: cost"]').get_by_role("button", name="total").click()
    assert column(page, "table: cost", 1)[-1] == "all", "the sum stays below"


def test_filters_choose_languages_families_and_targets(page: Any) -> None:
    table = page.locator('[aria-label="table: xnli on tiny@0"]')
    shown = lambda: table.locator("thead th:visible").all_inner_texts()  # noqa: E731
    everything = shown()
    page.locator("[name=language]").select_option("sw")
    assert shown() == ["intermediate", "sw", "mean-but-en", "mean-others", "runs"]
    assert table.locator("tbody tr").first.locator("td:visible").count() == 4
    assert page.locator("#filters output").inner_text() == "Shown: language sw."
    page.locator("[name=family]").select_option("Turkic")
    assert page.locator("#filters output").inner_text() == "No language fits language sw, family Turkic."
    assert table.is_hidden(), "it has no such language"
    page.locator("[name=language]").select_option("")
    assert shown() == ["intermediate", "tr", "mean-but-en", "mean-others", "runs"]
    page.locator("[name=target]").select_option("xnli")
    assert page.locator("section.target").is_visible()
    page.get_by_role("button", name="show all").click()
    page.locator("#filters:not(.active)").wait_for()  # by a selector: the page's policy forbids waiting on a script
    assert shown() == everything


def test_a_target_that_is_not_chosen_is_hidden(page: Any) -> None:
    page.evaluate("document.querySelectorAll('.forest tbody').forEach(one => one.dataset.target = 'other')")
    page.locator("[name=target]").select_option("xnli")
    assert page.locator(".forest tbody").is_hidden() and page.locator(".summary tbody tr").is_visible()


def test_sections_fold_and_links_unfold_them(page: Any) -> None:
    folded = lambda: page.locator("details.fold:not([open])").count()  # noqa: E731
    page.get_by_role("button", name="fold", exact=True).click()
    assert folded() == page.locator("details.fold").count() > 5
    page.get_by_role("navigation").get_by_role("link", name="Provenance").click()
    page.locator("#provenance").wait_for()
    page.locator("details[open] #provenance").wait_for()
    page.get_by_role("button", name="unfold").click()
    assert folded() == 0


def test_a_csv_is_saved_without_any_request(page: Any) -> None:
    with page.expect_download() as saved:
        page.locator('[aria-label="table: summary"]').get_by_role("link", name="CSV").click()
    assert saved.value.suggested_filename == "summary.csv"
    assert Path(saved.value.path()).read_text().startswith("target,encoder,intermediate,")


def test_tooltips_have_the_interval_and_the_number_of_items(page: Any) -> None:
    cell = page.locator('[aria-label="table: xnli on tiny@0"] tbody tr:nth-child(3) td:nth-child(5)')
    behind = r"gain over direct \+33\.3; 95% interval .* over seeds and test items; 4 runs; n = 60 test items"
    assert re.search(behind, cell.get_attribute("title"))
    assert "gain of each run: +33.3, +33.3" in page.locator(".forest svg[role=img] title").nth(2).text_content()
    shown = page.locator(".tip")
    assert shown.is_hidden()
    cell.click()
    assert shown.inner_text() == cell.get_attribute("title"), "where there is no mouse"
    page.locator("h1").click()
    assert shown.is_hidden()


@pytest.mark.parametrize("window", [{"width": 1280, "height": 900}, PHONE], ids=["desk", "phone"])
def test_names_stay_whole_and_in_their_cells(page: Any, window: dict[str, int]) -> None:
    page.set_viewport_size(window)
    page.get_by_role("button", name="unfold").click()
    names = page.locator("table .name")
    assert {"mean-but-en", "tiny@0", "nli@de"} <= set(names.all_inner_texts())
    assert (
        names.evaluate_all("all => all.filter(one => one.getClientRects().length > 1).map(one => one.innerText)") == []
    )
    too_wide = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.innerText)"
    assert page.locator("th[scope=row], .names").evaluate_all(too_wide) == []


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_all_is_there_in_print(browser: Any, report: Path, scripts: bool) -> None:
    context = browser.new_context(viewport={"width": 794, "height": 1123}, java_script_enabled=scripts)
    page = context.new_page()
    page.goto(report.as_uri())
    page.emulate_media(media="print")
    if scripts:
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
    folded = page.locator("details:not([open])")
    assert folded.count() == 0 if scripts else folded.count() > 5
    for part in ("#provenance", "[aria-label='table: stages'] td >> nth=0", "text=xtransfer run numbers"):
        box = page.locator(part).bounding_box()
        assert box and box["height"] > 5, part
    assert page.locator("#filters").is_hidden() and page.locator("nav").is_hidden()
    context.close()


def test_without_scripts_nothing_is_missing(browser: Any, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("#filters").is_hidden(), "what would do nothing"
    assert page.get_by_role("button").count() == 0
    assert page.locator(".forest .mark").count() == 3
    page.locator("summary", has_text="Provenance").click()
    assert page.get_by_role("heading", name="Encoders").is_visible()
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", [{"width": 1280, "height": 900}, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing(browser: Any, report: Path, window: dict[str, int], scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install '.[dev]'")
    context = browser.new_context(viewport=window, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    page.get_by_role("button", name="unfold").click()
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    found = axe.Axe().run(page)
    context.close()
    assert not found.response["violations"], found.generate_report()
