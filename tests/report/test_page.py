"""The page as a reader meets it: its structure, names that mean harm, and how large it gets."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from perf.finished import finish
from tests.report.read import read
from tests.results.numbers import Numbers, make, record_all, right
from tests.results.plans import planned
from xtransfer.base.languages import codes
from xtransfer.report import write_report
from xtransfer.results.database import open_database
from xtransfer.store.artifacts import ArtifactStore

FIFTEEN = codes("en ar bg de el es fr hi ru sw th tr ur vi zh")
EVIL = "../../<script>alert('x')</script>\"; rm -rf ~ #"


class Page(HTMLParser):
    """Elements of a page with their attributes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


def write(numbers: Numbers, folder: Path) -> Path:
    with open_database(f"sqlite:///{folder / 'results.db'}") as db:
        record_all(db, numbers)
        return write_report(numbers.plan.study.name, db, numbers.store, folder / "inner" / "out")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("page")
    return Page(write(make(folder), folder).read_text(encoding="utf-8"))


def test_headings_go_down_one_level_at_a_time(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_table_has_a_caption_and_headers(page: Page) -> None:
    assert len(page.all("table")) == len(page.all("caption")) >= 3
    assert all(cell.get("scope") in ("row", "col", "rowgroup") for cell in page.all("th"))


def test_every_plot_and_scrolling_box_has_a_name(page: Page) -> None:
    plots = [one for one in page.all("svg") if one.get("role") == "img"]
    assert len(plots) >= 4 and all(one.get("aria-label") for one in plots)
    boxes = [one for one in page.all("div") if one.get("class") == "wide"]
    assert boxes and all(one.get("aria-label") and one.get("tabindex") == "0" for one in boxes)


def test_the_contents_lead_to_sections_and_no_id_is_double(page: Page) -> None:
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert max(ids.values()) == 1
    links = [one["href"] for one in page.all("a")]
    inside = [link.removeprefix("#") for link in links if link and link.startswith("#")]
    assert len(inside) > 5 and set(inside) <= set(ids)
    assert all(one["aria-labelledby"] in ids for one in page.all("section"))


def test_a_study_that_translates_names_direction_and_engine(tmp_path: Path) -> None:
    targets = ["lab-inference", "lab-inference:dev:translate-test~parallel"]
    plan = planned("translated", targets, ["direct", "lab-nli@de~lab-marian"])
    store = ArtifactStore(tmp_path / "artifacts")
    finish(plan, store)
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_all(db, Numbers(plan, store))
        text = read(write_report(plan.study.name, db, store, tmp_path / "out"))
    assert "<td>de</td><td>lab-marian</td>" in text and "<td>en from tr</td><td>parallel</td>" in text


def test_a_name_that_means_harm_stays_text_and_in_its_folder(tmp_path: Path) -> None:
    numbers = make(tmp_path)
    study = numbers.plan.study.model_copy(update={"name": EVIL, "question": "<img src=x onerror=alert(1)>?"})
    numbers = replace(numbers, plan=replace(numbers.plan, study=study))
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    found = write(numbers, tmp_path)
    text = found.read_text(encoding="utf-8")
    assert not Page(text).all("img") and text.count("<script") == 1 and text.index("<script") > text.index("alert(")
    assert "&lt;script&gt;" in text
    assert "xtransfer run &#39;../../&lt;script&gt;alert(&#39;&#34;&#39;&#34;&#39;x" in text  # one word of a shell
    after = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert all(found.parent in path.parents or path.name.startswith("results.db") for path in after)


def test_names_of_encoders_and_targets_cannot_leave_the_folder(tmp_path: Path) -> None:
    numbers = make(tmp_path, encoders=["tiny@0"])
    cells = tuple(replace(cell, encoder="../../../x@" + "0" * 300) for cell in numbers.cells)
    found = write(replace(numbers, plan=replace(numbers.plan, cells=cells)), tmp_path)
    names = [path.name for path in found.parent.rglob("*") if path.is_file()]
    assert any(name.startswith("heat-map-1-xnli-on-x-000") for name in names)
    assert all(len(name) < 120 and ".." not in name for name in names)


def many(encoder: str, name: str, seed: int) -> dict[str, Any]:
    """24 items in 15 languages."""
    counts = ((len(name) * 3 + seed + number) % 24 for number in range(15))
    return {code: right(count, 24) for code, count in zip(FIFTEEN, counts, strict=True)}


def test_a_page_of_fifteen_languages_and_ten_intermediates_is_small(tmp_path: Path) -> None:
    names = ["direct", *(f"nli@{code}" for code in FIFTEEN[:10])]
    found = write(make(tmp_path, many, intermediates=names, seeds=range(5)), tmp_path)
    assert found.stat().st_size < 1_500_000  # two such targets stay below 3 MB
    text = found.read_text(encoding="utf-8")
    assert text.count('aria-label="heat map') == 2
    names = re.findall(r'aria-label="table: xnli on tiny@0([^"]*)"', text)
    assert names == ["", ", part 2", ", families and scripts"]
